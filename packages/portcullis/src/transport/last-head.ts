/**
 * Decides whether a request has the very head of the one before it on its connection, but for the length of its body: then what was
 * read of that one holds for it, and nothing is parsed. Clients send the same head again and again.
 */
import { MAX_BODY_BYTES, type PlainLimits, type PlainRequest, readPlain } from './plain-request.ts'

/** A longer head is not kept for a connection that may stay idle for long. */
const MAX_KEPT_BYTES = 4_096
const LENGTH = /\r\ncontent-length: ?(\d+)\r\n/i
const MAX_DIGITS = 5
/** As a power of two: one of so many heads is kept where none comes again. */
const MAX_IN_VAIN = 6
const ZERO = 0x30
const NINE = 0x39

interface Kept {
  /** The whole head, with the blank line that ends it. */
  readonly bytes: Buffer
  /** Where the digits of the length begin and end. */
  readonly from: number
  readonly to: number
  readonly request: PlainRequest
}

/** Reads the requests of one connection, as `readPlain` does. */
export class LastHead {
  readonly #limits: PlainLimits
  #isRepeated = false
  #kept: Kept | undefined
  /** How many were kept one after the other, and none of them came again. */
  #inVain = 0
  /** So many more are not kept. */
  #pause = 0

  constructor(limits: PlainLimits) {
    this.#limits = limits
  }

  /** Undefined unless `bytes` begin with a plain request; of its body, some may still be missing. */
  read(bytes: Buffer): PlainRequest | undefined {
    const again = this.#kept && this.#again(bytes, this.#kept)
    if (again !== undefined) {
      this.#inVain = 0
      this.#pause = 0
      return again
    }
    const request = readPlain(bytes, this.#limits)
    // Whoever sends one request on a connection has nothing kept for it.
    if (request !== undefined && this.#isRepeated && !this.#isPausing()) return this.#keep(bytes, request)
    this.#isRepeated = true
    return request
  }

  /** A connection on which many callers take turns, such as that of a proxy, brings another head with each request. */
  #isPausing(): boolean {
    if (this.#pause > 0) {
      this.#pause--
      return true
    }
    this.#pause = 2 ** this.#inVain - 1
    this.#inVain = Math.min(this.#inVain + 1, MAX_IN_VAIN)
    return false
  }

  #again(bytes: Buffer, { bytes: kept, from, to, request }: Kept): PlainRequest | undefined {
    if (bytes.length < kept.length - MAX_DIGITS || bytes.compare(kept, 0, from, 0, from) !== 0) return undefined
    let at = from
    let length = 0
    for (; at < from + MAX_DIGITS && isDigit(bytes[at]); at++) length = length * 10 + (bytes[at] as number) - ZERO
    // `readPlain` has the last word about a length that is none, or is written in another way.
    if (at === from || (bytes[from] === ZERO && at - from > 1) || length > MAX_BODY_BYTES) return undefined
    const start = at + kept.length - to
    if (start > bytes.length || start > this.#limits.maxHeaderBytes) return undefined
    if (bytes.compare(kept, to, kept.length, at, start) !== 0) return undefined
    const isSame = length === request.end - request.start
    const headers = isSame ? request.headers : { ...request.headers, 'content-length': String(length) }
    return { ...request, headers, start, end: start + length }
  }

  #keep(bytes: Buffer, request: PlainRequest): PlainRequest {
    this.#kept = undefined
    const { start } = request
    const found = start > MAX_KEPT_BYTES ? null : LENGTH.exec(bytes.toString('latin1', 0, start))
    if (found === null) return request
    const digits = found[1] as string
    const to = found.index + found[0].length - 2
    const kin = { ...request, headers: Object.freeze(request.headers), kin: {} }
    this.#kept = { bytes: Buffer.from(bytes.subarray(0, start)), from: to - digits.length, to, request: kin }
    return kin
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE
