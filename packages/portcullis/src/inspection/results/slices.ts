/** Decides how much of a long text is looked at in one turn. Nothing of it goes on before its last slice was seen. */
import { performance } from 'node:perf_hooks'
import { inTurns } from '../../core/turns.ts'

/** Takes about a millisecond with everything that looks at a text. */
export const SLICE_LENGTH = 30_720
/** What any rule may need to see beyond the end of its slice; no rule matches more. */
export const REACH = 2_048

/** Calls `look` with neighbouring ranges that together are the text. Between two of them everybody else has a turn. */
export function inSlices(length: number, look: (from: number, to: number) => void): void | Promise<void> {
  if (length <= SLICE_LENGTH) return look(0, length)
  let from = 0
  return inTurns((until) => {
    do {
      look(from, Math.min(length, from + SLICE_LENGTH))
      from += SLICE_LENGTH
    } while (from < length && performance.now() < until)
    return from >= length
  })
}
