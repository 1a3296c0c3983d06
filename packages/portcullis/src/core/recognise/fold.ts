/**
 * Decides how a text is read by who looks for numbers and addresses: full-width characters, digits of other scripts, dashes and spaces
 * as plain ones, unseen characters not at all.
 */

/** A text as it is read, and which characters of the one that is there its characters are. */
export interface Folded {
  readonly text: string
  /** Place in the text that is there. */
  readonly placeOf: (at: number) => number
}

const PLAIN = /^[\0-\x7f]*$/
const UNSEEN = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]|[\ufe00-\ufe0f]/
/** Digits (Unicode general category Nd), dashes, spaces, and the full-width forms of ASCII. */
const ODD = new RegExp(
  String.raw`[[\p{Nd}--[0-9]]\u2010-\u2015\u2212\u00a0\u2000-\u200a\u202f\u205f\u3000\uff01-\uff5e]`,
  'gv',
)
/** A look that does not begin anywhere but at the beginning. */
const HAS_ODD = new RegExp(ODD.source, 'v')
const SKIPPED = '\u200b'

const same = (at: number): number => at

/** Costs one look at texts of ASCII. */
export function fold(text: string): Folded {
  if (PLAIN.test(text)) return { text, placeOf: same }
  const narrow = !HAS_ODD.test(text) ? text : text.replace(ODD, (char) => known.get(char) ?? remembered(char))
  if (!UNSEEN.test(narrow)) return { text: narrow, placeOf: same }
  const places: number[] = []
  let read = ''
  for (let at = 0; at < narrow.length; at++) {
    if (UNSEEN.test(narrow.charAt(at))) continue
    places.push(at)
    read += narrow.charAt(at)
  }
  return { text: read, placeOf: (at) => places[at] ?? narrow.length }
}

/** There are some hundred of them. */
const known = new Map<string, string>()

function remembered(char: string): string {
  const read = plain(char)
  known.set(char, read)
  return read
}

/** As long as what it stands for, in UTF-16 units. */
function plain(char: string): string {
  const code = char.codePointAt(0) as number
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  if (code >= 0x2010 && code <= 0x2212) return code === 0x202f || code === 0x205f ? ' ' : '-'
  if (code === 0xa0 || code === 0x3000 || (code >= 0x2000 && code <= 0x200a)) return ' '
  return SKIPPED.repeat(char.length - 1) + String(digitOf(code))
}

const MATHEMATICAL = 0x1d7ce
const IS_DIGIT = /^\p{Nd}$/u

/** The ten digits of a script stand beside each other, from a code that ends in 0 or 6; those of mathematics in five rows. */
function digitOf(code: number): number {
  if (code >= MATHEMATICAL && code < MATHEMATICAL + 50) return (code - MATHEMATICAL) % 10
  const place = code & 15
  return IS_DIGIT.test(String.fromCodePoint(code - place)) ? place : place - 6
}
