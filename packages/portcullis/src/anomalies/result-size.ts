/** About how many bytes a message has as JSON: exact enough to be compared with itself, and cheap enough for every call. */
import { bulkOf } from '../core/bulk.ts'

/** Objects and arrays that are looked into; the parts of further ones are guessed. */
const MOST = 64
const GUESS = 64
const OVERHEAD = 8

/** Numbers, names and signs count by a few bytes each, strings by their length. */
export function sizeOf(message: unknown): number {
  if (typeof message !== 'object' || message === null) return OVERHEAD
  const left: object[] = [message]
  let bytes = 0
  let looked = 0
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    const mark = bulkOf(holder)
    if (mark !== undefined) {
      bytes += mark.bytes
      continue
    }
    if (++looked > MOST) {
      bytes += GUESS * (left.length + 1)
      break
    }
    const parts: readonly unknown[] = Array.isArray(holder) ? holder : Object.values(holder)
    for (const part of parts) {
      if (typeof part === 'string') bytes += part.length + OVERHEAD
      else if (typeof part === 'object' && part !== null) left.push(part)
      else bytes += OVERHEAD
    }
  }
  return bytes
}
