/**
 * Decides where in a text one of many literals stands, in one pass: the first three characters rule out most places, and
 * choose a few literals at the others. Letters count in any case.
 */

import { LOW_BYTES, lowBytes } from '../text-bytes.ts'

const SHIFT = 7
const CODES = 1 << SHIFT
const BYTES = 256
const OTHER = 0
/** ASCII in lower case; all other characters share one code, which no literal has. */
const LOWER = Uint8Array.from({ length: BYTES }, (_, code) =>
  code < CODES ? String.fromCharCode(code).toLowerCase().charCodeAt(0) : OTHER,
)

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
    const end = Math.min(to, text.length - 1)
    for (let at = from; at < end; at += WINDOW) this.#scanWindow(text, at, Math.min(end - at, WINDOW), seen)
  }

  #scanWindow(text: string, from: number, places: number, seen: Seen): void {
    const [pairs, triples] = [this.#pairs, this.#triples]
    const last = Math.min(from + places + 2, text.length)
    const window = from === 0 && last === text.length ? text : text.slice(from, last)
    let bytes = lowBytes(window)
    let pair = LOWER[bytes[0] as number] as number
    let third = LOWER[bytes[1] as number] as number
    for (let at = 0; at < places; at++) {
      pair = ((pair << SHIFT) | third) & PAIR
      // Behind the end there is no character, whose code is none.
      third = LOWER[bytes[at + 2] as number] as number
      if (pairs[pair] !== 1 && triples[hashOf(pair, third)] !== 1) continue
      // Whoever hears of it may go over another text meanwhile.
      if (this.#look(text, from + at, pair, seen)) bytes = lowBytes(window)
    }
  }

  /** Whether somebody has heard of it. */
  #look(text: string, at: number, pair: number, seen: Seen): boolean {
    let isHeard = false
    for (const sign of this.#signs.get(pair) ?? NO_SIGNS) {
      if (!isAt(text, at, sign.text)) continue
      seen(sign.of, at)
      isHeard = true
    }
    return isHeard
  }
}

/** Places at once: of the last one, two more characters are looked at. */
const WINDOW = LOW_BYTES - 2
const NO_SIGNS: readonly Sign[] = []
const PAIR = CODES * CODES - 1
const HASHES = 16_384
const hashOf = (pair: number, third: number): number => (pair ^ (third * 173)) & (HASHES - 1)

/** All of its characters, because a low byte may be that of another one. */
function isAt(text: string, at: number, sign: string): boolean {
  if (at + sign.length > text.length) return false
  for (let place = 0; place < sign.length; place++)
    if (codeOf(text.charCodeAt(at + place)) !== sign.charCodeAt(place)) return false
  return true
}

const codeOf = (code: number): number => (code < CODES ? (LOWER[code] as number) : OTHER)
