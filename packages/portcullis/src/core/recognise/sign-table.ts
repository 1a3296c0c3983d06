/**
 * Decides where in a text one of many literals stands, in one pass: the first three characters rule out most places, and
 * choose a few literals at the others. Letters count in any case.
 */

const SHIFT = 7
const CODES = 1 << SHIFT
/** ASCII in lower case; all other characters share one code, which no literal has. */
const LOWER = Uint8Array.from({ length: CODES }, (_, code) => String.fromCharCode(code).toLowerCase().charCodeAt(0))
const OTHER = 0

/** A literal in lower case, and what it stands for. */
export interface Sign {
  readonly text: string
  readonly of: number
}

/** Hears of each literal, in the order of their places. */
export type Seen = (of: number, at: number) => void

export class SignTable {
  /** Pairs that are a literal, and hashes of the first three characters of longer ones: 1 where it is worth looking. */
  readonly #pairs = new Uint8Array(CODES * CODES)
  readonly #triples = new Uint8Array(HASHES)
  /** By their first two characters. */
  readonly #signs = new Map<number, Sign[]>()

  /** Literals have two characters of ASCII or more. */
  constructor(signs: readonly Sign[]) {
    for (const sign of signs) {
      const [first, second, third] = [0, 1, 2].map((at) => codeOf(sign.text.charCodeAt(at))) as [number, number, number]
      const pair = (first << SHIFT) | second
      if (sign.text.length === 2) this.#pairs[pair] = 1
      else this.#triples[hashOf(pair, third)] = 1
      const known = this.#signs.get(pair)
      if (known === undefined) this.#signs.set(pair, [sign])
      else known.push(sign)
    }
  }

  /** Literals that begin from `from` on and before `to`. */
  scan(text: string, from: number, to: number, seen: Seen): void {
    const [pairs, triples] = [this.#pairs, this.#triples]
    const end = Math.min(to, text.length - 1)
    if (from >= end) return
    let pair = codeOf(text.charCodeAt(from))
    let third = codeOf(text.charCodeAt(from + 1))
    for (let at = from; at < end; at++) {
      pair = ((pair << SHIFT) | third) & PAIR
      // Behind the end there is no character, whose code is none.
      third = codeOf(text.charCodeAt(at + 2))
      if (pairs[pair] === 1 || triples[hashOf(pair, third)] === 1) this.#look(text, at, pair, seen)
    }
  }

  #look(text: string, at: number, pair: number, seen: Seen): void {
    const signs = this.#signs.get(pair)
    if (signs === undefined) return
    for (const sign of signs) if (isAt(text, at, sign.text)) seen(sign.of, at)
  }
}

const PAIR = CODES * CODES - 1
const HASHES = 16_384
const hashOf = (pair: number, third: number): number => (pair ^ (third * 173)) & (HASHES - 1)

/** The first two characters are known to be there. */
function isAt(text: string, at: number, sign: string): boolean {
  if (at + sign.length > text.length) return false
  for (let place = 2; place < sign.length; place++)
    if (codeOf(text.charCodeAt(at + place)) !== sign.charCodeAt(place)) return false
  return true
}

const codeOf = (code: number): number => (code < CODES ? (LOWER[code] as number) : OTHER)
