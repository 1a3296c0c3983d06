/**
 * Which JSON values are so large that no loop may go over them in one turn. Whoever reads a large text marks them; to count
 * their members later would itself be such a loop, because the engine gathers all names of an object before the first.
 */

/** How large a marked value is. */
export interface Bulk {
  /** Members and elements of it and of all that is in it. */
  readonly members: number
  /** Its own members or elements. */
  readonly own: number
  /** Length of its JSON text in bytes. */
  readonly bytes: number
}

/** A value with more members is marked, and handled in turns. To write so many takes about a millisecond. */
export const BULKY_MEMBERS = 5_000
/** So is one with a longer text. To write it takes about a millisecond too, if it is mostly one string. */
export const BULKY_BYTES = 262_144
/** The parts of a message that are copied on its way, such as `params`, have a few names; more are refused. */
const WIDE_NAMES = 1_000

const marks = new WeakMap<object, Bulk>()

export const markBulk = (value: object, bulk: Bulk): void => void marks.set(value, bulk)

/** The mark of exactly this value. */
export const bulkOf = (value: unknown): Bulk | undefined =>
  typeof value === 'object' && value !== null ? marks.get(value) : undefined

/** Whether a value has so many names of its own that a copy of it would take long. */
export const isWide = (value: unknown): boolean => (bulkOf(value)?.own ?? 0) > WIDE_NAMES

/** Whether a value holds more than can be gone over in one turn. Costs as much as going over what is not marked. */
export function isBulky(value: unknown): boolean {
  const { members, bytes } = weightOf(value, BULKY_MEMBERS)
  return bytes > 0 || members > BULKY_MEMBERS
}

/** Whether a value is bulky because of the number of its members. */
export const hasManyMembers = (value: unknown): boolean => weightOf(value, BULKY_MEMBERS).members > BULKY_MEMBERS

/** Bytes of the JSON text of all marked values in this one: about the length of a value that is bulky. */
export const bulkBytes = (value: unknown): number => weightOf(value, Number.POSITIVE_INFINITY).bytes

/**
 * Adds up what a value holds, until it is more than `maxMembers`. Every message comes by here several times, so it is a loop
 * over what is left and calls nothing for a string or a number.
 */
function weightOf(value: unknown, maxMembers: number): { readonly members: number; readonly bytes: number } {
  const weight = { members: 0, bytes: 0 }
  if (typeof value !== 'object' || value === null) return weight
  const left: object[] = [value]
  for (let holder = left.pop(); holder !== undefined; holder = left.pop()) {
    const mark = marks.get(holder)
    if (mark !== undefined) {
      weight.members += mark.members
      weight.bytes += mark.bytes
      continue
    }
    const parts: readonly unknown[] = Array.isArray(holder) ? holder : Object.values(holder)
    weight.members += parts.length
    if (weight.members > maxMembers) return weight
    for (const part of parts) if (typeof part === 'object' && part !== null) left.push(part)
  }
  return weight
}
