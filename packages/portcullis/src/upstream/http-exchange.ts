import type { Dispatcher } from 'undici'
import type { CancelReason } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import type { ChunkStream, HttpResponse } from './http-response.ts'

/** Bytes that may wait for a slow reader before the connection is paused. */
const HIGH_WATER_BYTES = 256 * 1024
/** What an upstream may still send after its answer before its connection is given up. */
const DRAIN_BYTES = 64 * 1024
const DRAIN_MS = 1_000

type Controller = Dispatcher.DispatchController
type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * One request on its way through undici: collects a body into one buffer, or hands out a stream that pauses the
 * connection. It is its own handler, so that a buffered call costs one promise and at most one copy of the body.
 */
export class HttpExchange implements Dispatcher.DispatchHandler, ChunkStream {
  /** Takes the listener off the cancellation. Called once, when the exchange is over. */
  forget: (() => void) | undefined
  readonly #maxBytes: number
  #resolve: ((response: HttpResponse) => void) | undefined
  #reject: ((fault: Fault) => void) | undefined
  readonly #over: () => void
  #controller: Controller | undefined
  #failure: Fault | undefined
  #isOver = false
  #started = false
  #status = 0
  #headers: Headers = {}
  #mode: 'buffer' | 'stream' | 'drain' = 'buffer'
  #chunks: Buffer[] = []
  #bytes = 0
  #waiting: { resolve(chunk: Buffer | undefined): void; reject(fault: Fault): void } | undefined
  #drainTimer: NodeJS.Timeout | undefined

  constructor(maxBytes: number, resolve: (r: HttpResponse) => void, reject: (f: Fault) => void, over: () => void) {
    this.#maxBytes = maxBytes
    this.#resolve = resolve
    this.#reject = reject
    this.#over = over
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    this.#started = true
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (status < 300 && isEventStream(headers['content-type'])) {
      this.#mode = 'stream'
      this.#settle()?.({ kind: 'stream', status, headers, stream: this })
    } else if (Number(headers['content-length']) > this.#maxBytes) {
      this.#abort(this.#tooLarge())
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
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
      if (this.#bytes > HIGH_WATER_BYTES) controller.pause()
    } else if (this.#bytes > this.#maxBytes) {
      this.#abort(this.#tooLarge())
    }
  }

  onResponseEnd(): void {
    this.#finish()
    if (this.#mode === 'buffer') {
      const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#bytes)
      this.#settle()?.({ kind: 'buffer', status: this.#status, headers: this.#headers, body })
    } else {
      this.#waiting?.resolve(undefined)
      this.#waiting = undefined
    }
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.fail(this.#failure ?? faultOf(error, this.#started))
  }

  /** Ends the exchange before or after it has reached a connection. */
  fail(fault: Fault): void {
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
      if (this.#controller?.paused === true && this.#bytes <= HIGH_WATER_BYTES / 2) this.#controller.resume()
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
    if (this.#controller?.paused === true) this.#controller.resume()
  }

  abort(): void {
    if (!this.#isOver) this.#abort(new Fault('upstream.ended', { reason: 'closed by the gateway' }))
  }

  /** A connection that is paused would be held for ever by an abort that waits for its end: undici destroys it at once. */
  #abort(fault: Fault): void {
    this.fail(fault)
    this.#chunks = []
    this.#controller?.abort(fault)
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

/** Nothing was sent before the exchange started, so that a caller may try again; afterwards the outcome is unknown. */
function faultOf(cause: Error & { code?: string }, started: boolean): Fault {
  const reason = cause.code ?? cause.name
  if (reason === 'UND_ERR_HEADERS_OVERFLOW') return new Fault('upstream.too_large', { reason }, { cause })
  if (reason.startsWith('HPE_')) return new Fault('upstream.malformed', { reason }, { cause })
  return new Fault(started ? 'upstream.ended' : 'upstream.unavailable', { reason }, { cause })
}
