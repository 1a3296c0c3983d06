/** `upstreams.NAME.code`: tools that run snippets of code, each in a sandbox that is thrown away. */
import { z } from 'zod'
import { count, isMap, seconds } from './fields.ts'
import { sandbox } from './sandbox-schema.ts'

const USUAL = sandbox.parse({})

export const code = z
  .strictObject({
    languages: z
      .array(z.enum(['javascript', 'python', 'shell']))
      .min(1)
      .max(3)
      .default(['javascript'])
      .refine((languages) => new Set(languages).size === languages.length, { message: 'lists a language twice' })
      .describe('There is one tool for each language.'),
    sandbox: sandbox.prefault({}),
    timeoutSeconds: seconds(1, 3600).default(30).describe('After which a snippet is ended.'),
    outputKiB: count(1, 65_536).default(256).describe('Output of a snippet; what exceeds it is cut off.'),
  })
  .refine(({ sandbox: walls }) => walls.volumes.length === 0, {
    path: ['sandbox', 'volumes'],
    message: 'nothing of a snippet is kept, so there are no volumes for it',
    when: hasVolumes,
  })
  .refine(({ sandbox: walls }) => walls.totalOutputMiB === undefined && walls.outputMiB === USUAL.outputMiB, {
    path: ['sandbox'],
    message:
      'has no outputMiB and totalOutputMiB: a snippet puts out into files, which outputKiB, fileMiB and tmpMiB limit',
    when: hasVolumes,
  })

function hasVolumes(payload: { readonly value: unknown }): boolean {
  const walls = isMap(payload) ? (payload.value as { sandbox?: { volumes?: unknown } }).sandbox : undefined
  return Array.isArray(walls?.volumes)
}
