/**
 * Decides how a text is read by who looks for numbers and addresses: full-width characters, digits of other scripts, dashes and spaces
 * as plain ones; unseen characters, and what only says that a quote follows, not at all.
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
  String.raw`^[[\p{Nd}--[0-9]]\u2010-\u2015\u2212\u00a0\u2000-\u200a\u202f\u205f\u3000\uff01-\uff5e]`,
  'v',
)
/** In a text that stands in a string of another one. */
const ESCAPED = /\\["']/
const BACKSLASH = 92
const escapesQuote = (text: string, at: number, code: number): boolean =>
  code === BACKSLASH && (text[at + 1] === '"' || text[at + 1] === "'")

const SKIPPED = '\u200b'

const same = (at: number): number => at

/** Costs one look at texts of ASCII, and at others one at each character beyond. */
export function fold(text: string): Folded {
  const hasEscapes = ESCAPED.test(text)
  if (!hasEscapes && PLAIN.test(text)) return { text, placeOf: same }
  const { narrow, hasUnseen } = narrowed(text)
  if (!hasUnseen && !hasEscapes) return { text: narrow, placeOf: same }
  const skipped: number[] = []
  let read = ''
  let done = 0
  for (let at = 0; at < narrow.length; at++) {
    const code = narrow.charCodeAt(at)
    if (code < 128 ? !escapesQuote(narrow, at, code) : kindOf(code) !== UNREAD) continue
    read += narrow.slice(done, at)
    done = at + 1
    skipped.push(at)
  }
  read += narrow.slice(done)
  return { text: read, placeOf: (at) => (at >= read.length ? narrow.length : at + skippedBefore(skipped, at)) }
}

/** How many of the characters that are not read stand before what is read at a place. */
function skippedBefore(skipped: readonly number[], at: number): number {
  let [low, high] = [0, skipped.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((skipped[middle] as number) - middle <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** What is known of the characters of two bytes; few of them occur. */
const kinds = new Uint8Array(65_536)
const [UNKNOWN, ORDINARY, UNREAD, CHANGED] = [0, 1, 2, 3]

function kindOf(code: number): number {
  const known = kinds[code] as number
  if (known !== UNKNOWN) return known
  const char = String.fromCharCode(code)
  const kind = UNSEEN.test(char) ? UNREAD : ODD.test(char) || isHigh(code) ? CHANGED : ORDINARY
  kinds[code] = kind
  return kind
}

/** The first half of a character, of which the second has to be seen. */
const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff

/** With plain characters for odd ones. */
function narrowed(text: string): { readonly narrow: string; readonly hasUnseen: boolean } {
  let narrow = ''
  let done = 0
  let hasUnseen = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 128) continue
    const kind = kindOf(code)
    if (kind === ORDINARY) continue
    if (kind === UNREAD) {
      hasUnseen = true
      continue
    }
    const char = String.fromCodePoint(text.codePointAt(at) as number)
    if (!isHigh(code) || ODD.test(char)) {
      const read = known.get(char) ?? remembered(char)
      narrow += text.slice(done, at) + read
      done = at + char.length
      // A digit of two units is read as one and a character that is not seen.
      hasUnseen ||= read.length > 1
    }
    at += char.length - 1
  }
  return { narrow: done === 0 ? text : narrow + text.slice(done), hasUnseen }
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
