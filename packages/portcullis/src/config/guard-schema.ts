/** `limits` and `audit`: how much is taken in, and what is written down. */
import { z } from 'zod'
import { count, path, seconds } from './fields.ts'
import { retention } from './retention-schema.ts'
import { adaptive, breakers, overload } from './traffic-schema.ts'
import { witnesses } from './witness-schema.ts'

export const limits = z.strictObject({
  maxBodyBytes: count(1024, 268_435_456)
    .default(4_194_304)
    .describe('Size of one message in bytes, from clients and from upstreams.'),
  maxDepth: count(4, 1000).default(64).describe('Nesting of objects and arrays in a message.'),
  maxMembers: count(100, 10_000_000)
    .default(250_000)
    .describe('Members and elements of all objects and arrays in a message together.'),
  callSeconds: seconds(1, 86_400).default(120).describe('One call, from its arrival to its answer.'),
  listenIdleSeconds: seconds(1, 86_400).default(300).describe('A stream without any message ends after this.'),
  concurrency: z
    .strictObject({
      total: count(1, 100_000).default(1024).describe('Calls at once.'),
      perPrincipal: count(1, 100_000).default(64).describe('Calls at once of one principal.'),
      queue: count(0, 100_000).default(256).describe('Calls that wait for a place.'),
      waitMs: count(0, 60_000).default(5000).describe('How long a call waits, in milliseconds.'),
    })
    .prefault({})
    .describe('How many calls run at the same time.'),
  abusiveConnections: count(1, 1_000_000)
    .default(10)
    .describe(
      'Connections of one address that are cut off for abuse of HTTP/2 before it gets no new one for a while; one is forgiven every six seconds. Raise it where many clients share an address, as they do behind a proxy.',
    ),
  breakers,
  adaptive,
  overload,
  sessions: z
    .strictObject({
      perPrincipal: count(1, 10_000).default(32).describe('Sessions at once of one principal.'),
      idleSeconds: seconds(10, 604_800).default(1800).describe('A session without requests ends after this.'),
    })
    .prefault({})
    .describe('Sessions of the 2025 revisions.'),
})

export const audit = z.strictObject({
  folder: path.optional().describe('Folder of the audit chain. Default: `audit` in `state`.'),
  checkpointEverySeconds: seconds(1, 3600).default(10).describe('How often the chain is signed.'),
  retention: retention.optional(),
  witness: witnesses,
  receipts: z
    .enum(['off', 'every-answer'])
    .default('off')
    .describe(
      'Whether each result carries a signed receipt in its `_meta`, by which the caller can show later that it is on record.',
    ),
  durability: z
    .enum(['before-answer', 'eventual'])
    .default('before-answer')
    .describe('Weakness: with `eventual` a crash can lose the records of answers that have already left.'),
  log: z
    .strictObject({
      level: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info').describe('What is logged.'),
      file: path.optional().describe('Log file. Default: standard error.'),
    })
    .prefault({})
    .describe('Log of operations; no evidence, and without arguments.'),
})
