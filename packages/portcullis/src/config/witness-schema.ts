/** `audit.witness`: who outside of the gateway keeps where the audit chains stood, so that a shortened one is noticed. */
import { z } from 'zod'
import { address, count, exactlyOne, headerName, isMap, name, path, seconds, secretSource } from './fields.ts'
import { isLoopback } from './loopback.ts'

const sameDevice = z
  .literal('allowed')
  .optional()
  .describe('Weakness. It may be on the device of the chains: whoever loses or changes those has it too.')

const url = z
  .string()
  .regex(/^https?:\/\/[^\s#@]+$/)
  .meta({ title: 'an http or https URL' })

const reach = {
  ca: path.optional().describe('Authorities to trust beside the usual ones, PEM.'),
  privateNetworks: z.array(address).default([]).describe('Networks of this house in which it may be.'),
}

const file = z.strictObject({
  path: path.describe('File on another volume. One line is added for each checkpoint; mode 0600.'),
  sameDevice,
})

const git = z.strictObject({
  repository: path.describe('Folder of a git repository, bare or not. Nothing is checked out there.'),
  branch: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('portcullis-audit')
    .describe('Branch that gets a commit for each checkpoint. Nobody else may add to it.'),
  remote: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
    .optional()
    .describe('Name of a remote of the repository to push to; a checkpoint is witnessed when it is there.'),
  sameDevice,
})

const https = z
  .strictObject({
    url: url.describe('Gets a POST with one line of JSON for each checkpoint, and answers 2xx when it keeps them.'),
    headers: z
      .record(headerName, secretSource)
      .default({})
      .describe('Headers to send. Values come from secret sources only.'),
    ...reach,
    plaintext: z.literal('loopback-only').optional().describe('Weakness. Plain http, to a loopback address only.'),
  })
  .refine(
    (value) => (value.plaintext === undefined ? value.url.startsWith('https://') : isLoopback(hostOf(value.url))),
    { path: ['url'], message: 'has to be https; http is possible with plaintext: loopback-only', when: isMap },
  )

const timestamp = z.strictObject({
  url: url.describe('Of a time stamping authority (RFC 3161). Plain http will do, because time stamps are signed.'),
  authorities: path.describe('Whom the certificate of the time stamping authority has to lead to, PEM.'),
  path: path.describe('File on another volume that keeps the checkpoints with their time stamps; mode 0600.'),
  sameDevice,
  ...reach,
})

const kinds = exactlyOne<Record<'file' | 'git' | 'https' | 'timestamp', unknown>>('file', 'git', 'https', 'timestamp')

const witness = z
  .strictObject({
    required: z
      .boolean()
      .default(false)
      .describe('Whether calls of a tenant are refused while the witness lacks more of its chain than it may.'),
    maxLagSeconds: seconds(2, 86_400)
      .default(300)
      .describe(
        'For `required`: how long ago the last checkpoint may be that it knows. More than checkpointEverySeconds.',
      ),
    maxLagRecords: count(2_000, 100_000_000).default(20_000).describe('For `required`: how many records it may lack.'),
    deadlineSeconds: seconds(1, 300).default(15).describe('For one note; then it is tried again, ever more rarely.'),
    file: file.optional().describe('A file on another volume.'),
    git: git.optional().describe('A git repository.'),
    https: https.optional().describe('A service.'),
    timestamp: timestamp.optional().describe('A time stamping authority.'),
  })
  .refine((value) => kinds.check(value as Parameters<typeof kinds.check>[0]), kinds.params)

export const witnesses = z
  .record(name, witness)
  .default({})
  .describe('Who outside keeps where the chains stood, by a name for each. Each gets every checkpoint.')

function hostOf(text: string): string {
  return URL.canParse(text) ? new URL(text).hostname : ''
}
