/** Decides when a stream is given up: its request does not come to an end, or what it is answered is not read. */
import type { ServerHttp2Stream } from 'node:http2'
import type { Http2Body } from './http2-body.ts'
import type { Leaving } from './plain-response.ts'

export interface PatienceLimits {
  /** For a request to arrive whole. */
  readonly requestTimeoutMs: number
  /** For a client to take something of what it was sent, and then all of it at this rate at least. */
  readonly stallMs: number
  readonly minBytesPerSecond: number
}

export interface StreamWatchOptions {
  readonly stream: ServerHttp2Stream
  readonly body: Http2Body
  readonly limits: PatienceLimits
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number
}

export class StreamWatch {
  readonly stream: ServerHttp2Stream
  /** Absent when it is known that all of the request has come. */
  #body: Http2Body | undefined
  /** To be told if the client leaves before the answer has; absent until the request is under way. */
  visit: Leaving | undefined
  readonly #limits: PatienceLimits
  readonly #openedAt: number
  #waiting = 0
  #since: number

  constructor({ stream, body, limits, openedAt }: StreamWatchOptions) {
    this.stream = stream
    this.#body = body
    this.#limits = limits
    this.#openedAt = openedAt
    this.#since = openedAt
  }

  /** True when the client has sent all of its request. */
  get isWhole(): boolean {
    if (this.#body?.isWhole === true) this.#body = undefined
    return this.#body === undefined
  }

  /** Bytes that the client has not taken yet. */
  get waiting(): number {
    return this.stream.writableLength
  }

  /** To be asked about once a second; `now` in milliseconds. */
  isLate(now: number): boolean {
    const limits = this.#limits
    if (!this.isWhole && now - this.#openedAt > limits.requestTimeoutMs) return true
    const { waiting } = this
    // More of it is no progress: whoever reads nothing may be sent more and more.
    if (waiting === 0 || waiting < this.#waiting) this.#since = now
    this.#waiting = waiting
    return waiting > 0 && now - this.#since > limits.stallMs + (waiting / limits.minBytesPerSecond) * 1_000
  }
}
