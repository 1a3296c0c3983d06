/** Decides how a pattern is tried on a text, so that what is refused by its check hides nothing that begins inside of it. */
import type { SensitiveKind, Span } from './kinds.ts'

/** What a pattern may be, its text, and where it begins. False: this is none. A number: only so many characters are. */
export type Check = (found: string, at: number, text: string) => boolean | number

/** All matches of a global pattern whose check holds, none inside of another. The pattern must be bounded. */
export function findAll(text: string, kind: SensitiveKind, pattern: RegExp, check: Check): readonly Span[] {
  let spans: Span[] | undefined
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [found] = match
    const start = match.index
    const held = check(found, start, text)
    const length = held === true ? found.length : held === false ? 0 : held
    if (length > 0) (spans ??= []).push({ start, end: start + length, kind })
    // The next one may begin inside of what was none.
    pattern.lastIndex = start + Math.max(1, length)
  }
  return spans ?? NOTHING
}

export const NOTHING: readonly Span[] = []

/** Whether one of the words stands shortly before a place. `words` is not global. */
export const isAfterWord = (words: RegExp, text: string, at: number, within = 48): boolean =>
  words.test(text.slice(Math.max(0, at - within), at))

/** Digits alone. */
export const digitsOf = (text: string): string => text.replace(/\D+/g, '')
