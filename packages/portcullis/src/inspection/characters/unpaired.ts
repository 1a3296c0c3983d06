/**
 * Decides whether quotes and brackets stand in pairs in a value that names or counts something. Whoever breaks out of the place
 * where a value stands, in whatever language that place is written, closes what is not open, or opens what something else closes.
 */
import { evidence, type Inspect, type Sighting } from '../finding.ts'

const SIGN = /['"`()[\]{}]/g
const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
/** Deeper ones are no name. */
const MAX_DEPTH = 16

/** Feet and inches, and nothing else: `24"`, `5'11"`, `8" x 10"`. */
const LENGTHS = /^(?:[\d.,/ x×]|-(?=\d)|(?<=\d)['"])+$/
/** An apostrophe: `McDonald's`, `O'Brien`, `users' groups`. */
const BEFORE_APOSTROPHE = /[\p{L}\p{N}]/u
const AFTER_APOSTROPHE = /\p{L}/u
const OF_MANY = /^[sxz]' \p{L}$/iu
/**
 * What a quoted part may follow: nothing, a blank, a bracket, a comma or colon of a list, the `W/` of a weak ETag (RFC 9110
 * §8.8.3), the `=` of a parameter (§5.6.6).
 */
const BEFORE_QUOTED = /^$|[\s([{,:/=]/
const AFTER_QUOTED = /^$|[\s)\]},:;.]/

/** For identifiers and numbers only: in a text a bracket stands alone in any list, and an apostrophe wherever a letter is left out. */
export const unpaired: Inspect = (value) => {
  const at = unpairedAt(value, 0, value.length)
  if (at === undefined || LENGTHS.test(value)) return NOTHING
  const around = value.slice(Math.max(0, at - 20), at + 40)
  return [{ family: 'characters', weight: 'strong', reason: 'characters.unpaired', evidence: evidence(around) }]
}

const NOTHING: readonly Sighting[] = []

/** Where the first sign between two places stands that has no partner there; what is quoted is a value of its own. */
function unpairedAt(text: string, from: number, to: number): number | undefined {
  const open: { readonly closer: string; readonly at: number }[] = []
  for (let at = nextSign(text, from); at < to; at = nextSign(text, at + 1)) {
    const sign = text.charAt(at)
    const closer = CLOSERS[sign]
    if (closer !== undefined) {
      if (open.length === MAX_DEPTH) return at
      open.push({ closer, at })
    } else if (isCloser(sign)) {
      if (open.pop()?.closer !== sign) return at
    } else if (!isApostrophe(text, at)) {
      const end = endOfQuoted(text, at)
      if (end === undefined || end >= to) return at
      const inside = unpairedAt(text, at + 1, end)
      if (inside !== undefined) return inside
      at = end
    }
  }
  return open[0]?.at
}

function nextSign(text: string, from: number): number {
  SIGN.lastIndex = from
  return SIGN.exec(text)?.index ?? text.length
}

const isCloser = (sign: string): boolean => sign === ')' || sign === ']' || sign === '}'

function isApostrophe(text: string, at: number): boolean {
  if (text.charAt(at) !== "'") return false
  if (OF_MANY.test(text.slice(at - 1, at + 3))) return true
  return BEFORE_APOSTROPHE.test(text.charAt(at - 1)) && AFTER_APOSTROPHE.test(text.charAt(at + 1))
}

/** The place of the quote that closes the one that opens here; undefined when none does, or something clings to either. */
function endOfQuoted(text: string, at: number): number | undefined {
  if (!BEFORE_QUOTED.test(text.charAt(at - 1))) return undefined
  const end = text.indexOf(text.charAt(at), at + 1)
  return end > 0 && AFTER_QUOTED.test(text.charAt(end + 1)) ? end : undefined
}
