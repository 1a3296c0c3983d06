/** Where validations are done that take long: which thread, and what counts as too long. */
import { extname } from 'node:path'
import { writeInTurns } from '../mcp/write-json.ts'
import { type Claimed, claimOf, requireWanted } from './claim.ts'
import { TOO_COMPLEX, type Violations } from './schema-compiler.ts'
import { SlowThread } from './slow-thread.ts'

/** JSON texts: a string crosses to a thread faster than what it means. */
export interface ValidationTask {
  readonly schema: string
  readonly value: string
}

const thread = new SlowThread<ValidationTask, Violations | undefined>({
  work: new URL(`./validation-work${extname(import.meta.url)}`, import.meta.url),
  name: 'validations',
  // The steps of a validation are bounded, what one step compares is not quite.
  patienceMs: 5_000,
  late: () => TOO_COMPLEX,
})

/** Holds a value against the JSON text of a schema, for `by`. Rejects with the faults of `SlowThread.run`. */
export async function validateApart(schema: string, value: unknown, by: Claimed = {}): Promise<Violations | undefined> {
  const claim = claimOf(by)
  requireWanted(claim)
  const violations = await thread.run({ schema, value: await writeInTurns(value) }, claim)
  return violations?.[0]?.keyword === TOO_COMPLEX[0]?.keyword ? TOO_COMPLEX : violations
}
