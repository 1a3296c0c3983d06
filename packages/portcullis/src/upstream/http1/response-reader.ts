import { Fault } from '../../core/fault.ts'
import { ChunkedBody } from './chunked.ts'
import { readHead, type ResponseHead } from './response-head.ts'

/** What becomes of one response. Nothing is called after `onEnd`. */
export interface ResponseSink {
  onHead(head: ResponseHead): void
  /** The chunk belongs to the sink. */
  onData(chunk: Buffer): void
  onEnd(): void
}

/** Cuts the bytes of one connection into its responses, one at a time. */
const MAX_HEAD_BYTES = 16 * 1024
const MAX_INTERIM = 8
const EMPTY = Buffer.alloc(0)

export class ResponseReader {
  #sink: ResponseSink | undefined
  #head: ResponseHead | undefined
  #lastHead: { readonly text: string; readonly head: ResponseHead } | undefined
  #held: Buffer = EMPTY
  #left = 0
  #chunked: ChunkedBody | undefined
  #interim = 0

  /** Expects the response to the request that is about to be sent. */
  begin(sink: ResponseSink): void {
    this.#sink = sink
    this.#head = undefined
    this.#chunked = undefined
    this.#interim = 0
  }

  /** The head of the response, as soon as it is known. */
  get head(): ResponseHead | undefined {
    return this.#head
  }

  /** Returns true when the response is complete. `bytes` are used no longer than the call. Throws `upstream.malformed`, `upstream.too_large`. */
  push(bytes: Buffer): boolean {
    let rest = bytes
    while (this.#head === undefined) {
      const after = this.#readHead(rest)
      if (after === undefined) return false
      rest = after
    }
    const used = rest.length === 0 ? 0 : this.#readBody(rest)
    if (!this.#isComplete()) return false
    // A second response before a second request can only be meant for somebody else.
    if (used < rest.length) throw new Fault('upstream.malformed', { reason: 'http', part: 'surplus' })
    this.#finish()
    return true
  }

  /** The connection has ended. Returns true when that is how the response ends. */
  close(): boolean {
    if (this.#sink === undefined || this.#head?.framing !== 'close') return false
    this.#finish()
    return true
  }

  #readHead(bytes: Buffer): Buffer | undefined {
    const held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const end = held.indexOf('\r\n\r\n')
    if ((end < 0 ? held.length : end) > MAX_HEAD_BYTES) throw new Fault('upstream.too_large', { reason: 'head' })
    if (end < 0) {
      this.#held = Buffer.from(held)
      return undefined
    }
    this.#held = EMPTY
    this.#take(this.#headOf(held.toString('latin1', 0, end)))
    return held.subarray(end + 4)
  }

  /** A server under load answers with the same head for up to a second, until the date changes. */
  #headOf(text: string): ResponseHead {
    const known = this.#lastHead
    if (known !== undefined && known.text === text) return known.head
    const head = readHead(text)
    Object.freeze(head.headers)
    this.#lastHead = { text, head }
    return head
  }

  /** Interim responses (RFC 9110 §15.2) carry nothing for us; a change of protocol was not asked for. */
  #take(head: ResponseHead): void {
    if (head.status < 200) {
      if (head.status === 101 || ++this.#interim > MAX_INTERIM)
        throw new Fault('upstream.malformed', { reason: 'http', part: 'interim' })
      return
    }
    this.#head = head
    if (head.framing === 'chunked') this.#chunked = new ChunkedBody()
    else this.#left = head.framing === 'close' ? Number.POSITIVE_INFINITY : head.framing
    this.#sink?.onHead(head)
  }

  #readBody(bytes: Buffer): number {
    if (this.#chunked !== undefined) return this.#chunked.push(bytes, this.#give)
    const count = Math.min(bytes.length, this.#left)
    if (count > 0) this.#give(bytes.subarray(0, count))
    this.#left -= count
    return count
  }

  readonly #give = (piece: Buffer): void => this.#sink?.onData(Buffer.from(piece))

  #isComplete(): boolean {
    return this.#chunked === undefined ? this.#left === 0 : this.#chunked.done
  }

  #finish(): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.onEnd()
  }
}
