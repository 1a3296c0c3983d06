import { isAscii, isUtf8 } from 'node:buffer'
import type { FaultCode } from '../core/fault.ts'

/** The reasons for which bytes are not strict JSON. */
export type JsonFlaw = Extract<FaultCode, `message.${string}`>

/** Thrown by the readers of this room and turned into a Fault by `parseStrict` or `parseUpstream`. */
export class NotStrict extends Error {
  readonly flaw: JsonFlaw
  readonly at: number

  constructor(flaw: JsonFlaw, at: number) {
    super(flaw)
    this.flaw = flaw
    this.at = at
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

// A loop over bytes beats a native call up to about this many bytes.
const LOOP_BYTES = 40
const NEAR_BYTES = 16
const NEAR_LOOP_BYTES = 64
// V8 cuts strings of 13 and more characters as a view that keeps the whole document alive. In a document larger than this
// they are copied, so that one kept task id cannot hold a megabyte.
const VIEW_BYTES = 16_384

const NAME_BYTES = 32
const NAME_SLOTS = 1024
// Names repeat from message to message. Each slot holds one name, so a hostile sender can slow it down but not fill it.
const names: string[] = new Array<string>(NAME_SLOTS).fill('')

/**
 * The bytes of one JSON document and the place that has been read up to: decides what a string and a number are.
 *
 * Long or escaped strings go through `JSON.parse` one by one, which is strict about escapes and control characters and
 * faster than any loop here.
 */
export class JsonText {
  readonly bytes: Buffer
  at = 0
  readonly #text: string
  readonly #ascii: boolean
  readonly #copies: boolean

  /** Throws NotStrict `message.invalid_utf8`, for a byte order mark too (RFC 8259 section 8.1). */
  constructor(bytes: Buffer) {
    this.#ascii = isAscii(bytes)
    if (!this.#ascii) {
      if (!isUtf8(bytes)) throw new NotStrict('message.invalid_utf8', 0)
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw new NotStrict('message.invalid_utf8', 0)
    }
    this.bytes = bytes
    this.#text = bytes.toString('latin1')
    this.#copies = bytes.length > VIEW_BYTES
  }

  refuse(flaw: JsonFlaw = 'message.malformed'): never {
    throw new NotStrict(flaw, this.at)
  }

  /** Skips white space and returns the byte after it, or -1 at the end. */
  peek(): number {
    const bytes = this.bytes
    for (; this.at < bytes.length; this.at++) {
      const byte = bytes[this.at] as number
      if (byte > 0x20) return byte
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) this.refuse()
    }
    return -1
  }

  /** Reads `true`, `false` or `null`. */
  word(word: string): void {
    if (!this.#text.startsWith(word, this.at)) this.refuse()
    this.at += word.length
  }

  /** Reads a string; `at` stands on its opening quote. */
  string(): string {
    const bytes = this.bytes
    const start = this.at + 1
    const stop = Math.min(start + LOOP_BYTES, bytes.length)
    for (let i = start; i < stop; i++) {
      const byte = bytes[i] as number
      if (byte === QUOTE) {
        this.at = i + 1
        return this.#copies && i - start > 12 ? bytes.toString('latin1', start, i) : this.#text.slice(start, i)
      }
      if (byte === BACKSLASH || byte < 0x20 || byte > 0x7e) break
    }
    return this.#native(start)
  }

  /**
   * Reads a member name: as `string`, but a name seen before costs no new string. `kept` is false where names will hardly
   * come again, as in an object that is a table: those are neither looked for nor kept.
   */
  name(kept: boolean): string {
    if (!kept) return this.string()
    const bytes = this.bytes
    const start = this.at + 1
    const stop = Math.min(start + NAME_BYTES, bytes.length)
    let hash = 0
    for (let i = start; i < stop; i++) {
      const byte = bytes[i] as number
      if (byte === QUOTE) {
        this.at = i + 1
        return this.#known(start, i, hash & (NAME_SLOTS - 1))
      }
      if (byte === BACKSLASH || byte < 0x20 || byte > 0x7e) break
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    return this.#native(start)
  }

  #known(start: number, end: number, slot: number): string {
    const known = names[slot] as string
    if (known.length === end - start && this.#text.startsWith(known, start)) return known
    // A property name is interned by the engine, which makes later comparisons a comparison of addresses.
    const name = Object.keys({ [this.bytes.toString('latin1', start, end)]: 0 })[0] as string
    names[slot] = name
    return name
  }

  /** The string from `start` to its closing quote, escapes resolved. */
  #native(start: number): string {
    const end = this.#closingQuote(start)
    const literal = this.#ascii ? this.#text.slice(start - 1, end + 1) : this.bytes.toString('utf8', start - 1, end + 1)
    this.at = end + 1
    let value: string
    try {
      value = JSON.parse(literal) as string
    } catch {
      throw new NotStrict('message.malformed', start)
    }
    // A lone surrogate has no UTF-8 form, so no two programs agree on what it is (RFC 8259 section 8.2).
    if (!value.isWellFormed()) throw new NotStrict('message.invalid_utf8', start)
    return value
  }

  /** Jumps from quote to quote; where quotes lie close together, as in JSON inside JSON, a loop over bytes is cheaper. */
  #closingQuote(start: number): number {
    const bytes = this.bytes
    let i = start
    for (;;) {
      const quote = this.#text.indexOf('"', i)
      if (quote < 0) this.refuse()
      if (!this.#escaped(i, quote)) return quote
      const stop = quote - i < NEAR_BYTES ? Math.min(quote + 1 + NEAR_LOOP_BYTES, bytes.length) : 0
      i = quote + 1
      while (i < stop) {
        const byte = bytes[i]
        if (byte === QUOTE) return i
        i += byte === BACKSLASH ? 2 : 1
      }
    }
  }

  #escaped(start: number, quote: number): boolean {
    let i = quote
    while (i > start && this.bytes[i - 1] === BACKSLASH) i--
    return (quote - i) % 2 === 1
  }

  /**
   * Reads a number. An integer beyond ±(2^53−1) is refused: it would change on its way through (RFC 8259 section 6,
   * RFC 7493 section 2.2). A number spelled with a fraction or an exponent says itself that it is a float.
   */
  number(): number {
    const bytes = this.bytes
    const start = this.at
    const negative = bytes[start] === 0x2d
    const first = negative ? start + 1 : start
    let value = 0
    let i = first
    for (; isDigit(bytes[i]); i++) value = value * 10 + ((bytes[i] as number) - 0x30)
    if (i === first || (bytes[first] === 0x30 && i - first > 1)) this.refuse()
    if (bytes[i] === 0x2e || bytes[i] === 0x65 || bytes[i] === 0x45) return this.#float(start, i)
    if (value > Number.MAX_SAFE_INTEGER) this.refuse('message.unsafe_number')
    this.at = i
    return negative ? -value : value
  }

  #float(start: number, point: number): number {
    const bytes = this.bytes
    let i = point
    if (bytes[i] === 0x2e) i = this.#digits(i + 1)
    if (bytes[i] === 0x65 || bytes[i] === 0x45) {
      const sign = bytes[i + 1]
      i = this.#digits(sign === 0x2b || sign === 0x2d ? i + 2 : i + 1)
    }
    const value = Number(this.#text.slice(start, i))
    if (!Number.isFinite(value)) this.refuse('message.unsafe_number')
    this.at = i
    return value
  }

  #digits(from: number): number {
    let i = from
    while (isDigit(this.bytes[i])) i++
    if (i === from) this.refuse()
    return i
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
