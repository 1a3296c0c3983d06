/**
 * Decides which of many patterns are worth trying on a text: those of which a literal can occur in it. One pass notes the pairs of
 * letters of a text, for all rules of all detectors; most literals are ruled out by a look at two or three of their pairs.
 */
import type { Weight } from './inspection-words.ts'
import { asciiBytes } from './text-bytes.ts'

/**
 * A pattern, and literals in lower case of which one occurs in whatever it matches. Patterns are bounded in what they repeat, so
 * that trying them is linear in the text.
 */
export interface GatedRule {
  readonly reason: string
  readonly signs: readonly string[]
  readonly pattern: RegExp
  /** Default `strong`. */
  readonly weight?: Weight
}

/** The first rule that matches and what it matched. */
export interface Match {
  readonly rule: GatedRule
  readonly found: string
  readonly at: number
}

/** The first match of a text. */
export type FirstMatch = (text: string) => Match | undefined

export function gated(rules: readonly GatedRule[]): FirstMatch {
  const gate = new Gate(rules)
  return (text) => {
    note(text)
    for (let at = gate.next(0); at < rules.length; at = gate.next(at + 1)) {
      const rule = rules[at] as GatedRule
      const match = rule.pattern.exec(text)
      if (match !== null) return { rule, found: match[0], at: match.index }
    }
    return undefined
  }
}

/** Which of the rules may match: their places, in their order. */
export function candidatesOf(rules: readonly Pick<GatedRule, 'signs'>[]): (text: string) => readonly number[] {
  const gate = new Gate(rules)
  return (text) => {
    note(text)
    let first = gate.next(0)
    if (first === rules.length) return NONE
    const found: number[] = []
    for (; first < rules.length; first = gate.next(first + 1)) found.push(first)
    return found
  }
}

const NONE: readonly number[] = []

/** Whether every character is ASCII. */
export function isAscii(text: string): boolean {
  note(text)
  return notedAlone[OTHER] !== number
}

/** Whether one of some characters may occur in the text; false for what stands beyond ASCII alone. */
export function hasOneOf(text: string, places: readonly number[]): boolean {
  note(text)
  for (const place of places) if (notedAlone[place] === number) return true
  return false
}

/** Places of ASCII characters for `hasOneOf`: letters in lower case; of white space the blank alone stands for all. */
export const placesOf = (characters: string): readonly number[] =>
  Array.from(characters, (character) => character.charCodeAt(0))

/** Whether white space is written as JSON writes it in a string: `\\n`. */
export function hasEscapedSpace(text: string): boolean {
  note(text)
  return ESCAPED_SPACE.some(isNoted)
}

/** The signs of all rules, one after the other, with the rarest pair of each first. */
class Gate {
  readonly #pairs: Int32Array
  /** Where the signs of a rule begin and end in `#signs`, and the pairs of a sign in `#pairs`. */
  readonly #rules: Int32Array
  readonly #signs: Int32Array

  constructor(rules: readonly Pick<GatedRule, 'signs'>[]) {
    const signs = rules.map((rule) => rule.signs.map(pairsOf))
    this.#pairs = Int32Array.from(signs.flat(2))
    this.#rules = startsOf(signs)
    this.#signs = startsOf(signs.flat())
  }

  /** The first rule from `from` on that may match the text last noted; their number when there is none. */
  next(from: number): number {
    const rules = this.#rules
    const count = rules.length - 1
    for (let at = from; at < count; at++) {
      for (let sign = rules[at] as number; sign < (rules[at + 1] as number); sign++) {
        if (this.#mayOccur(sign)) return at
      }
    }
    return count
  }

  #mayOccur(sign: number): boolean {
    const pairs = this.#pairs
    const end = this.#signs[sign + 1] as number
    for (let at = this.#signs[sign] as number; at < end; at++) {
      if (!isNoted(pairs[at] as number)) return false
    }
    return true
  }
}

/** Where each list begins when they stand one after the other, and where the last one ends. */
function startsOf(lists: readonly (readonly unknown[])[]): Int32Array {
  const starts = new Int32Array(lists.length + 1)
  for (const [at, list] of lists.entries()) starts[at + 1] = (starts[at] as number) + list.length
  return starts
}

/** The pairs of a literal, as places in the notes; of one character, its own place below zero. */
type Pairs = readonly number[]

const SHIFT = 7
const CODES = 1 << SHIFT
/** ASCII in lower case, white space as a blank; all other characters share one code. */
const LOWER = Uint8Array.from({ length: CODES }, (_, code) =>
  String.fromCharCode(code).toLowerCase().replace(/\s/, ' ').charCodeAt(0),
)
const OTHER = 0
const FIRST_SIGN = 32

/** Which pairs the text last noted has: those that bear its number. All is cleared when the numbers begin again. */
const noted = new Uint8Array(CODES * CODES)
const notedAlone = new Uint8Array(CODES)
const MAX_NUMBER = 255
let number = 0
let lastText: string | undefined
const MAX_REMEMBERED_LENGTH = 65_536

function note(text: string): void {
  if (lastText === text) return
  lastText = text.length > MAX_REMEMBERED_LENGTH ? undefined : text
  if (number === MAX_NUMBER) clear()
  const current = ++number
  const bytes = asciiBytes(text)
  if (bytes !== undefined) noteBytes(bytes, text.length, current)
  else noteCharacters(text, current)
}

/** A control character that is white space to patterns has its own place, too. */
function noteBytes(bytes: Uint8Array, length: number, current: number): void {
  let previous = OTHER
  for (let at = 0; at < length; at++) {
    const raw = bytes[at] as number
    const code = LOWER[raw] as number
    notedAlone[code] = current
    if (raw < FIRST_SIGN) notedAlone[raw] = current
    noted[(previous << SHIFT) | code] = current
    previous = code
  }
}

function noteCharacters(text: string, current: number): void {
  let previous = OTHER
  for (let at = 0; at < text.length; at++) {
    const raw = text.charCodeAt(at)
    const code = codeOf(raw)
    notedAlone[code] = current
    if (raw < FIRST_SIGN) notedAlone[raw] = current
    noted[(previous << SHIFT) | code] = current
    previous = code
  }
}

function clear(): void {
  noted.fill(0)
  notedAlone.fill(0)
  number = 0
}

const codeOf = (code: number): number => (code < CODES ? (LOWER[code] as number) : OTHER)

/** From the rarest in English on; what is no letter is rarer than any. */
const RARITY = 'zqxjkvbpygfwmucldrhsnioate '

function pairsOf(sign: string): Pairs {
  const codes = Array.from(sign, (char) => codeOf(char.charCodeAt(0)))
  if (codes.length === 1) return [-1 - (codes[0] as number)]
  const frequency = (code: number) => RARITY.indexOf(String.fromCharCode(code))
  return codes
    .slice(1)
    .map((code, at) => [codes[at] as number, code] as const)
    .toSorted((one, other) => Math.min(...one.map(frequency)) - Math.min(...other.map(frequency)))
    .map(([before, code]) => before * CODES + code)
}

const isNoted = (pair: number): boolean => (pair < 0 ? notedAlone[-1 - pair] : noted[pair]) === number

const ESCAPED_SPACE: Pairs = ['\\n', '\\r', '\\t'].flatMap(pairsOf)
