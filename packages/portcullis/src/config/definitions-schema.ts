/** `definitions`: where approvals of what upstreams say are written down, and whose count. */
import { z } from 'zod'
import { path, text } from './fields.ts'

const signer = z
  .string()
  .regex(/^ed25519:[\w-]{43}$/)
  .meta({ title: 'the public key of a signer, as `portcullis lock verify` prints it' })

export const definitions = z.strictObject({
  lock: path
    .default('portcullis.lock')
    .describe('What was approved of each upstream; written by `portcullis lock`, meant for version control.'),
  trustedSigners: z
    .record(text, signer)
    .default({})
    .describe(
      'Whose signature makes the lock count, by name. Default: only the key of this installation, `lock.key` in `state`.',
    ),
  rollback: z
    .enum(['refused', 'accepted'])
    .default('refused')
    .describe(
      'What becomes of a lock that was signed before the newest one that was believed here, or is gone. Weakness: with `accepted` whoever can write the file can bring back what was approved before.',
    ),
})

export const trust = z
  .enum(['untrusted', 'reviewed', 'trusted'])
  .default('untrusted')
  .describe(
    'Who has to read what the upstream says before a model does. `untrusted`: nothing is offered before it is approved in the lock. Weakness: with `reviewed` what it says first is believed unless a heuristic objects, and only changes wait; with `trusted` nothing waits, changes are only recorded.',
  )
