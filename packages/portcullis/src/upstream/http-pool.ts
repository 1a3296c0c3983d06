import type { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import type { WatchPeer } from './http1/connection.ts'
import { Connections } from './http1/connections.ts'
import { RequestWriter } from './http1/request.ts'
import { HttpExchange } from './http-exchange.ts'
import type { HttpResponse } from './http-response.ts'

/**
 * The connections to one HTTP upstream: buffers in, one buffer or a stream of chunks out. It follows no redirect, reads
 * no proxy from the environment, and speaks plain HTTP only to this machine.
 */
export interface HttpPoolOptions {
  /** `https:` anywhere, `http:` on loopback only. Its path and query are those of every request. */
  readonly url: URL
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | readonly string[]
  readonly watchPeer?: WatchPeer
  readonly maxConnections: number
  /** Connections beside those, for streams that stay open. */
  readonly maxStreams: number
  /** Requests in flight and waiting for a connection; above it `upstream.unavailable`. */
  readonly maxPending: number
  readonly connectTimeoutMs: number
  /** From the request to the end of the response's head. */
  readonly headersTimeoutMs: number
  /** Between two chunks of a body. */
  readonly idleTimeoutMs: number
  /** Of a body that is read as a whole, and of one event in a stream. */
  readonly maxResponseBytes: number
}

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  /** Name, value, name, value …, without `host`, `content-length` and the like. */
  readonly headers: readonly string[]
  readonly body?: string
  /** Instead of the pool's; 0 waits for ever, for streams that are silent by nature. */
  readonly idleTimeoutMs?: number
  /** A stream that stays open: it must not take a connection from the calls. */
  readonly standing?: boolean
}

const LOOPBACK = new Set(['localhost', '[::1]'])
const isLoopback = (hostname: string): boolean => LOOPBACK.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname)

export class HttpPool {
  readonly #options: HttpPoolOptions
  readonly #writer: RequestWriter
  readonly #calls: Connections
  readonly #streams: Connections
  #pending = 0
  #standing = 0
  readonly #pendingOver = (): void => void this.#pending--
  readonly #standingOver = (): void => void this.#standing--

  /** Throws a TypeError for a URL that would send credentials in the clear or carries some itself. */
  constructor(options: HttpPoolOptions) {
    const { url } = options
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('an upstream URL must be https')
    if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
      throw new TypeError('plain http is for upstreams on this machine only')
    }
    if (url.username !== '' || url.password !== '') throw new TypeError('an upstream URL must not carry credentials')
    this.#options = options
    this.#writer = new RequestWriter(url)
    const target = {
      url,
      connectTimeoutMs: options.connectTimeoutMs,
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(options.watchPeer && { watchPeer: options.watchPeer }),
    }
    this.#calls = new Connections(target, options.maxConnections)
    this.#streams = new Connections(target, options.maxStreams)
  }

  /**
   * Resolves with the response whatever its status, redirects included. Rejects with `upstream.unavailable` (not
   * connected), `upstream.ended` (broken or cancelled), `upstream.too_large`.
   */
  send(request: HttpRequest, cancellation?: Cancellation): Promise<HttpResponse> {
    const standing = request.standing === true
    if (standing ? this.#standing >= this.#options.maxStreams : this.#pending >= this.#options.maxPending) {
      return Promise.reject(
        new Fault('upstream.unavailable', { reason: 'too many requests at this upstream', standing }),
      )
    }
    if (standing) this.#standing++
    else this.#pending++
    return new Promise((resolve, reject) => {
      const over = standing ? this.#standingOver : this.#pendingOver
      const exchange = new HttpExchange(this.#options, request.idleTimeoutMs, resolve, reject, over)
      if (cancellation !== undefined) {
        exchange.forget = cancellation.onCancel((reason) => exchange.cancel(reason))
        if (cancellation.cancelled) return
      }
      this.#dispatch(standing ? this.#streams : this.#calls, request, exchange)
    })
  }

  /** Ends every request. Never throws. */
  async close(): Promise<void> {
    this.#calls.close()
    this.#streams.close()
  }

  #dispatch(connections: Connections, request: HttpRequest, exchange: HttpExchange): void {
    try {
      exchange.bytes = this.#writer.text(request)
    } catch (cause) {
      exchange.onFailure(new Fault('upstream.unavailable', { reason: 'request refused by the HTTP client' }, { cause }))
      return
    }
    connections.send(exchange)
  }
}
