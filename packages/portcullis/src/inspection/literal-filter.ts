/**
 * Decides, in one pass over its characters, that a string has nothing in it which any detector of injections looks for.
 * Most arguments are such strings, and nothing else is done about them.
 */
import { asciiBytes } from '../core/text-bytes.ts'

/** Of letters, digits and the punctuation of names, dates and sentences, what each character is; 0 for all others. */
const LETTER = 1
const DIGIT = 2
const JOINER = 3
const DASH = 4
const POINT = 5
const GAP = 6
const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[A-Za-z]/.test(character)) return LETTER
  if (/\d/.test(character)) return DIGIT
  return { _: JOINER, '-': DASH, '.': POINT, ',': GAP, ' ': GAP }[character] ?? 0
})
const BLANK = 0x20
/** Longer words may be an encoding of something. */
const MAX_WORD_LENGTH = 15

/** SQL that needs no sign has a number to compare, or reads from somewhere. */
const NUMBER_OR_READING = /\d|union|select/i
const SQL_WORD =
  /\b(?:or|and|xor|union|select|having|like|rlike|between|limit|order by|group by|into|drop|insert|delete|exec|sleep|waitfor|benchmark|null|div|mod)\b/i

/** One word in which digits or capitals stand: what is short and encoded looks like this. */
const TOKEN = /^[A-Za-z0-9_-]+[A-Z0-9][A-Za-z0-9_-]*$/
const LEAST_TOKEN_LENGTH = 6
const LETTER_ANYWHERE = /[A-Za-z]/

/** A command that needs no sign because its first word takes another. */
const WRAPPER = /^ *(?:if|time|timeout|nohup|nice|strace|ltrace|sudo|doas|env|exec|eval|xargs|watch|busybox|setsid) /i

/** How the words of SQL_WORD begin, by two letters: a bit for each length that one of them has. */
const LENGTHS = new Uint16Array(32 * 32)
const SQL_WORDS =
  'or and xor union select having like rlike between limit order group into drop insert delete exec sleep waitfor benchmark null div mod'
for (const word of SQL_WORDS.split(' ')) {
  const start = beginning(Buffer.from(word), 0)
  LENGTHS[start] = (LENGTHS[start] as number) | (1 << word.length)
}

/** False when in doubt; the detectors decide then. */
export function hasNothing(text: string): boolean {
  const seen = look(text)
  if (seen === undefined || WRAPPER.test(text)) return false
  if (seen.isWord && text.length >= LEAST_TOKEN_LENGTH && TOKEN.test(text) && LETTER_ANYWHERE.test(text)) return false
  return !seen.mayBeSql || !NUMBER_OR_READING.test(text) || !SQL_WORD.test(text)
}

interface Seen {
  /** It is one word. */
  readonly isWord: boolean
  /** A word begins as one of SQL does, and is as long. */
  readonly mayBeSql: boolean
}

const SEEN: readonly Seen[] = [false, true].flatMap((mayBeSql) => [false, true].map((isWord) => ({ isWord, mayBeSql })))

/**
 * Undefined for a text with any other character, with a long word, or with what such characters alone can still be: a step
 * up, a comment, an option, a name of a language (`java.lang.Runtime`).
 */
function look(text: string): Seen | undefined {
  const bytes = asciiBytes(text)
  if (bytes === undefined) return undefined
  let before = DASH
  let beforePoint = 0
  let length = 0
  let word = 0
  let isWord = true
  let mayBeSql = false
  for (let at = 0; at < text.length; at++) {
    const kind = KINDS[bytes[at] as number] as number
    if (kind === 0) return undefined
    if (kind >= DASH && word !== at) mayBeSql ||= isSqlLike(bytes, word, at)
    if (kind >= POINT) {
      if (kind === POINT && before === POINT) return undefined
      isWord = false
      length = 0
    } else if (++length > MAX_WORD_LENGTH) return undefined
    else if (kind === DASH && (before === DASH || (before === GAP && bytes[at - 1] === BLANK))) return undefined
    else if (kind === LETTER && before === POINT && beforePoint === LETTER) return undefined
    if (kind >= DASH) word = at + 1
    beforePoint = before
    before = kind
  }
  mayBeSql ||= isSqlLike(bytes, word, text.length)
  return SEEN[(mayBeSql ? 2 : 0) + (isWord ? 1 : 0)]
}

const isSqlLike = (bytes: Uint8Array, from: number, to: number): boolean =>
  to - from > 1 && ((LENGTHS[beginning(bytes, from)] as number) & (1 << (to - from))) !== 0

/** The same for either case of letters; of other characters, anything. */
function beginning(bytes: Uint8Array, from: number): number {
  return (((bytes[from] as number) & 31) << 5) | ((bytes[from + 1] as number) & 31)
}
