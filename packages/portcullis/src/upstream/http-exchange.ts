import type { CancelReason } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import type { Connection, Transfer } from './http1/connection.ts'
import type { ResponseHead } from './http1/response-head.ts'
import type { ChunkStream, HttpResponse } from './http-response.ts'

/** Bytes that may wait for a slow reader before the connection is paused. */
const HIGH_WATER_BYTES = 256 * 1024
/** What an upstream may still send after its answer before its connection is given up. */
const DRAIN_BYTES = 64 * 1024
const DRAIN_MS = 1_000

export interface ExchangeLimits {
  readonly maxResponseBytes: number
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
}

/**
 * One request and its response: collects a body into one buffer, or hands out a stream that pauses the connection.
 * A buffered call costs one promise.
 */
export class HttpExchange implements Transfer, ChunkStream {
  bytes = ''
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Takes the listener off the cancellation. Called once, when the exchange is over. */
  forget: (() => void) | undefined
  readonly #maxBytes: number
  #resolve: ((response: HttpResponse) => void) | undefined
  #reject: ((fault: Fault) => void) | undefined
  readonly #over: () => void
  #connection: Connection | undefined
  #failure: Fault | undefined
  #isOver = false
  #head: ResponseHead | undefined
  #mode: 'buffer' | 'stream' | 'drain' = 'buffer'
  #chunks: Buffer[] = []
  #bytes = 0
  #waiting: { resolve(chunk: Buffer | undefined): void; reject(fault: Fault): void } | undefined
  #drainTimer: NodeJS.Timeout | undefined

  /** `idleTimeoutMs` is that of this exchange, where it has one. */
  constructor(
    limits: ExchangeLimits,
    idleTimeoutMs: number | undefined,
    resolve: (r: HttpResponse) => void,
    reject: (f: Fault) => void,
    over: () => void,
  ) {
    this.#maxBytes = limits.maxResponseBytes
    this.headersTimeoutMs = limits.headersTimeoutMs
    this.idleTimeoutMs = idleTimeoutMs ?? limits.idleTimeoutMs
    this.#resolve = resolve
    this.#reject = reject
    this.#over = over
  }

  /** True when nobody waits any more, so that nothing needs to be sent. */
  get over(): boolean {
    return this.#isOver
  }

  onSent(connection: Connection): void {
    this.#connection = connection
  }

  onHead(head: ResponseHead): void {
    this.#head = head
    const { status, headers, framing } = head
    if (status < 300 && isEventStream(headers['content-type'])) {
      this.#mode = 'stream'
      this.#settle()?.({ kind: 'stream', status, headers, stream: this })
    } else if (typeof framing === 'number' && framing > this.#maxBytes) {
      this.#abort(this.#tooLarge())
    }
  }

  onData(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    if (this.#waiting !== undefined) {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting.resolve(chunk)
      return
    }
    this.#bytes += chunk.length
    if (this.#mode === 'drain') {
      if (this.#bytes > DRAIN_BYTES) this.abort()
      return
    }
    this.#chunks.push(chunk)
    if (this.#mode === 'stream') {
      if (this.#bytes > HIGH_WATER_BYTES) this.#connection?.pause()
    } else if (this.#bytes > this.#maxBytes) {
      this.#abort(this.#tooLarge())
    }
  }

  onEnd(): void {
    this.#finish()
    this.#connection = undefined
    if (this.#mode === 'buffer') {
      const { status, headers } = this.#head as ResponseHead
      const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#bytes)
      this.#settle()?.({ kind: 'buffer', status, headers, body })
    } else {
      this.#waiting?.resolve(undefined)
      this.#waiting = undefined
    }
  }

  /** Ends the exchange before or after it has reached a connection. Nothing was sent before, so that it may be tried again. */
  onFailure(fault: Fault): void {
    this.#failure ??= fault
    this.#finish()
    const reject = this.#reject
    this.#settle()
    reject?.(this.#failure)
    this.#waiting?.reject(this.#failure)
    this.#waiting = undefined
  }

  cancel(reason: CancelReason): void {
    this.#abort(new Fault('upstream.ended', { reason: 'cancelled', why: reason }))
  }

  next(): Promise<Buffer | undefined> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#bytes -= chunk.length
      if (this.#connection?.paused === true && this.#bytes <= HIGH_WATER_BYTES / 2) this.#connection.resume()
      return Promise.resolve(chunk)
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#isOver) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  drain(): void {
    if (this.#isOver) return
    this.#mode = 'drain'
    this.#chunks = []
    this.#bytes = 0
    this.#drainTimer = setTimeout(() => this.abort(), DRAIN_MS)
    if (this.#connection?.paused === true) this.#connection.resume()
  }

  abort(): void {
    if (!this.#isOver) this.#abort(new Fault('upstream.ended', { reason: 'closed by the gateway' }))
  }

  #abort(fault: Fault): void {
    const connection = this.#connection
    this.onFailure(fault)
    this.#chunks = []
    connection?.destroy(fault)
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#drainTimer)
    this.forget?.()
    this.#over()
  }

  #settle(): ((response: HttpResponse) => void) | undefined {
    const resolve = this.#resolve
    this.#resolve = undefined
    this.#reject = undefined
    return resolve
  }

  #tooLarge(): Fault {
    return new Fault('upstream.too_large', { reason: 'response body', maxBytes: this.#maxBytes })
  }
}

const isEventStream = (type: string | string[] | undefined): boolean =>
  typeof type === 'string' && /^text\/event-stream\s*(?:;|$)/i.test(type)
