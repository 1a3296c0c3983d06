/** Decides when a stream is given up: its request does not come to an end, or what it is answered is not read. */
import type { ServerHttp2Stream } from 'node:http2'

export interface PatienceLimits {
  /** For a request to arrive whole. */
  readonly requestTimeoutMs: number
  /** For a client to take something of what it was sent, and then all of it at this rate at least. */
  readonly stallMs: number
  readonly minBytesPerSecond: number
}

export interface StreamWatchOptions {
  readonly stream: ServerHttp2Stream
  readonly body: { readonly isWhole: boolean }
  readonly limits: PatienceLimits
  /** Milliseconds since the Unix epoch. */
  readonly openedAt: number
}

export class StreamWatch {
  readonly stream: ServerHttp2Stream
  readonly #options: StreamWatchOptions
  #waiting = 0
  #since: number

  constructor(options: StreamWatchOptions) {
    this.#options = options
    this.stream = options.stream
    this.#since = options.openedAt
  }

  /** Bytes that the client has not taken yet. */
  get waiting(): number {
    return this.stream.writableLength
  }

  /** To be asked about once a second; `now` in milliseconds. */
  isLate(now: number): boolean {
    const { body, limits, openedAt } = this.#options
    if (now - openedAt > limits.requestTimeoutMs && !body.isWhole) return true
    const { waiting } = this
    // More of it is no progress: whoever reads nothing may be sent more and more.
    if (waiting === 0 || waiting < this.#waiting) this.#since = now
    this.#waiting = waiting
    return waiting > 0 && now - this.#since > limits.stallMs + (waiting / limits.minBytesPerSecond) * 1_000
  }
}
