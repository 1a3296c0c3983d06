import { Fault } from '../core/fault.ts'
import { FEW_NAMES, type JsonLimits, MAX_NAMES, TABLE_NAMES } from './json-limits.ts'
import { JsonText, NotStrict } from './json-text.ts'

/**
 * Decides what a JSON text means, once for the whole gateway: a text that two parsers could read differently is refused.
 *
 * Throws `message.invalid_utf8` (byte order mark and lone surrogates too), `message.duplicate_key` (names compared after
 * unescaping), `message.too_deep`, `message.too_large` (more than `maxMembers`, or than MAX_NAMES in one object),
 * `message.unsafe_number`, `message.forbidden_name` and `message.malformed` (RFC 8259 otherwise).
 *
 * Takes as long as the text is large: for what others send see `read-json.ts`.
 *
 * A string of 13 to 40 characters may keep the memory of its document (at most 16 KB) alive as long as it is kept.
 */
export function parseStrict(bytes: Buffer, limits: JsonLimits): unknown {
  try {
    return new Reader(bytes, limits).document()
  } catch (thrown) {
    if (thrown instanceof NotStrict) throw new Fault(thrown.flaw, { at: thrown.at })
    throw thrown
  }
}

/** The same for what an upstream sent: every flaw is the fault `upstream.malformed`, with the flaw in its detail. */
export function parseUpstream(bytes: Buffer, limits: JsonLimits): unknown {
  try {
    return new Reader(bytes, limits).document()
  } catch (thrown) {
    if (thrown instanceof NotStrict) throw new Fault('upstream.malformed', { flaw: thrown.flaw, at: thrown.at })
    throw thrown
  }
}

class Reader {
  readonly #text: JsonText
  readonly #maxDepth: number
  #room: number
  /** Names of the objects that are open, outermost first; each object knows where its own begin. */
  readonly #names: string[] = []

  constructor(bytes: Buffer, limits: JsonLimits) {
    this.#text = new JsonText(bytes)
    this.#maxDepth = limits.maxDepth
    this.#room = limits.maxMembers ?? Number.POSITIVE_INFINITY
  }

  document(): unknown {
    const value = this.#value(0, false)
    if (this.#text.peek() !== -1) this.#text.refuse()
    return value
  }

  #value(depth: number, ofConstructor: boolean): unknown {
    const text = this.#text
    switch (text.peek()) {
      case 0x22:
        return text.string()
      case 0x7b:
        return this.#object(depth + 1, ofConstructor)
      case 0x5b:
        return this.#array(depth + 1)
      case 0x74:
        text.word('true')
        return true
      case 0x66:
        text.word('false')
        return false
      case 0x6e:
        text.word('null')
        return null
      default:
        return text.number()
    }
  }

  #array(depth: number): unknown[] {
    const text = this.#enter(depth)
    const array: unknown[] = []
    if (text.peek() === 0x5d) {
      text.at++
      return array
    }
    for (;;) {
      this.#count()
      array.push(this.#value(depth, false))
      if (this.#ends(0x5d)) return array
    }
  }

  #object(depth: number, ofConstructor: boolean): object {
    const text = this.#enter(depth)
    const object: Record<string, unknown> = {}
    const base = this.#names.length
    let count = 0
    let next = text.peek()
    if (next === 0x7d) {
      text.at++
      return object
    }
    for (;;) {
      if (next !== 0x22) text.refuse()
      this.#count()
      const name = text.name(count < TABLE_NAMES)
      if (name === '__proto__' || (ofConstructor && name === 'prototype')) text.refuse('message.forbidden_name')
      if (++count > FEW_NAMES ? Object.hasOwn(object, name) : this.#isKnown(name, base)) {
        text.refuse('message.duplicate_key')
      }
      if (count > MAX_NAMES) text.refuse('message.too_large')
      if (text.peek() !== 0x3a) text.refuse()
      text.at++
      object[name] = this.#value(depth, name === 'constructor')
      if (this.#ends(0x7d)) break
      next = text.peek()
    }
    this.#names.length = base
    return object
  }

  #enter(depth: number): JsonText {
    if (depth > this.#maxDepth) this.#text.refuse('message.too_deep')
    this.#text.at++
    return this.#text
  }

  #count(): void {
    if (--this.#room < 0) this.#text.refuse('message.too_large')
  }

  /** Reads a comma, or the byte that ends the array or object. */
  #ends(close: number): boolean {
    const text = this.#text
    const byte = text.peek()
    if (byte !== close && byte !== 0x2c) text.refuse()
    text.at++
    return byte === close
  }

  /** Whether the innermost object, whose names begin at `base`, has this one; else it has it from now on. */
  #isKnown(name: string, base: number): boolean {
    const names = this.#names
    for (let i = base; i < names.length; i++) if (names[i] === name) return true
    names.push(name)
    return false
  }
}
