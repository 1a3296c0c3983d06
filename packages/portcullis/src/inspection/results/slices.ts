/** Decides how much of a long text is looked at in one turn. Nothing of it goes on before its last slice was seen. */
import { setImmediate } from 'node:timers/promises'

/** Takes about two milliseconds with everything that looks at a text. */
export const SLICE_LENGTH = 61_440
/** What any rule may need to see beyond the end of its slice; no rule matches more. */
export const REACH = 2_048

/** Calls `look` with neighbouring ranges that together are the text. Between two of them everybody else has a turn. */
export function inSlices(length: number, look: (from: number, to: number) => void): void | Promise<void> {
  if (length <= SLICE_LENGTH) return look(0, length)
  return slowly(length, look)
}

async function slowly(length: number, look: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < length; from += SLICE_LENGTH) {
    look(from, Math.min(length, from + SLICE_LENGTH))
    await setImmediate()
  }
}
