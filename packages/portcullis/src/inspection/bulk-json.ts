/**
 * Reads a large text in turns, so that nobody else waits for it: the same language as `strict-json.ts`, with the same
 * flaws at the same places, but with a stack of its own, which can be left and taken up again. A test holds the two together.
 */
import { performance } from 'node:perf_hooks'
import { BULKY_BYTES, BULKY_MEMBERS, markBulk } from '../core/bulk.ts'
import { inTurns } from '../core/turns.ts'
import { JsonText } from './json-text.ts'
import { FEW_NAMES, type JsonLimits, MAX_NAMES, TABLE_NAMES } from './json-limits.ts'

/** Values between two looks at the clock: some ten microseconds. */
const VALUES_A_LOOK = 128

interface Open {
  readonly array: unknown[] | undefined
  readonly object: Record<string, unknown>
  /** Whether it is the value of a member named `constructor`. */
  readonly ofConstructor: boolean
  /** Where its names begin among those of all open objects. */
  readonly base: number
  /** Members of the document, and its byte, where this one began. */
  readonly membersBefore: number
  readonly start: number
  /** The member whose value is being read. */
  name: string
  count: number
}

/** Throws NotStrict, as the reader of small texts does. What is large in it is marked (`core/bulk.ts`). */
export async function readBulk(bytes: Buffer, limits: JsonLimits): Promise<unknown> {
  let reader: BulkReader | undefined
  await inTurns((until) => {
    reader ??= new BulkReader(bytes, limits)
    return reader.read(until)
  })
  return reader?.document
}

/** One document that is being read. */
export class BulkReader {
  /** The value, once it has been read. */
  document: unknown
  readonly #text: JsonText
  readonly #maxDepth: number
  readonly #room: number
  readonly #open: Open[] = []
  readonly #names: string[] = []
  #members = 0

  constructor(bytes: Buffer, limits: JsonLimits) {
    this.#text = new JsonText(bytes)
    this.#maxDepth = limits.maxDepth
    this.#room = limits.maxMembers ?? Number.POSITIVE_INFINITY
  }

  /** Reads on until `performance.now()` reaches `until`, at which it looks every so many values; true at the end. */
  read(until: number, valuesALook = VALUES_A_LOOK): boolean {
    for (let left = valuesALook; ; left--) {
      if (left === 0) {
        if (performance.now() >= until) return false
        left = valuesALook
      }
      const value = this.#begin()
      if (value !== BEGUN && this.#end(value)) return true
    }
  }

  /** Reads a whole value, or the opening of one that is not empty, up to where its first value stands. */
  #begin(): unknown {
    const text = this.#text
    switch (text.peek()) {
      case 0x22:
        return text.string()
      case 0x7b:
        return this.#enter(undefined, 0x7d)
      case 0x5b:
        return this.#enter([], 0x5d)
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

  #enter(array: unknown[] | undefined, close: number): unknown {
    const text = this.#text
    const start = text.at
    const outer = this.#open.at(-1)
    if (this.#open.length >= this.#maxDepth) text.refuse('message.too_deep')
    text.at++
    const next = text.peek()
    if (next === close) {
      text.at++
      return array ?? {}
    }
    const ofConstructor = array === undefined && outer?.array === undefined && outer?.name === 'constructor'
    const place = { base: this.#names.length, membersBefore: this.#members, start }
    const open: Open = { array, object: {}, ofConstructor, ...place, name: '', count: 0 }
    this.#open.push(open)
    this.#next(open, next)
    return BEGUN
  }

  /** Takes a value in, and closes whatever ends with it. True when that was the document. */
  #end(whole: unknown): boolean {
    const text = this.#text
    let value = whole
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      if (open.array === undefined) open.object[open.name] = value
      else open.array.push(value)
      const byte = text.peek()
      if (byte !== 0x2c && byte !== (open.array === undefined ? 0x7d : 0x5d)) text.refuse()
      text.at++
      if (byte === 0x2c) {
        this.#next(open, open.array === undefined ? text.peek() : 0)
        return false
      }
      value = this.#leave(open)
    }
    if (text.peek() !== -1) text.refuse()
    this.document = value
    return true
  }

  #leave(open: Open): object {
    const { array, object, base, membersBefore, start, count } = open
    const value = array ?? object
    const members = this.#members - membersBefore
    const bytes = this.#text.at - start
    this.#open.pop()
    this.#names.length = base
    if (members > BULKY_MEMBERS || bytes > BULKY_BYTES) markBulk(value, { members, own: count, bytes })
    return value
  }

  /** Reads up to the next value: in an object its name, at whose first byte `byte` the text stands. */
  #next(open: Open, byte: number): void {
    const text = this.#text
    if (open.array === undefined && byte !== 0x22) text.refuse()
    if (++this.#members > this.#room) text.refuse('message.too_large')
    open.count++
    if (open.array !== undefined) return
    const name = text.name(open.count <= TABLE_NAMES)
    if (name === '__proto__' || (open.ofConstructor && name === 'prototype')) text.refuse('message.forbidden_name')
    const isKnown = open.count > FEW_NAMES ? Object.hasOwn(open.object, name) : this.#isKnown(name, open.base)
    if (isKnown) text.refuse('message.duplicate_key')
    if (open.count > MAX_NAMES) text.refuse('message.too_large')
    if (text.peek() !== 0x3a) text.refuse()
    text.at++
    open.name = name
  }

  #isKnown(name: string, base: number): boolean {
    const names = this.#names
    for (let i = base; i < names.length; i++) if (names[i] === name) return true
    names.push(name)
    return false
  }
}

const BEGUN = Symbol('begun')
