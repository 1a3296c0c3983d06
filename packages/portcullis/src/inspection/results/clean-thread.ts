/** Where long pictures of markup are cleaned: which thread, and what counts as too long. */
import { extname } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { type Claimed, claimOf } from '../claim.ts'
import { SlowThread } from '../slow-thread.ts'
import type { Cleaned } from './cleaned.ts'

const thread = new SlowThread<string, Cleaned>({
  work: new URL(`./clean-work${extname(import.meta.url)}`, import.meta.url),
  name: 'markup',
  // A result has at most a few megabytes, and a megabyte takes a tenth of a second.
  patienceMs: 15_000,
  late: () => {
    throw new Fault('inspection.result_refused', { reason: 'the markup takes too long to clean' })
  },
})

/** SVG. Rejects with `inspection.result_refused` when it takes too long, else with the faults of `SlowThread.run`. */
export const cleanApart = (text: string, by: Claimed = {}): Promise<Cleaned> => thread.run(text, claimOf(by))
