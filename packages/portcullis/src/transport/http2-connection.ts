/** Decides what one connection of HTTP/2 may ask of us: how much at once, and how much that is for nothing. */
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Body, RequestHead } from '../core/exchange.ts'
import { Roster, type Seat } from '../core/roster.ts'
import { Allowance } from './allowance.ts'
import { Http2Body } from './http2-body.ts'
import { http2Head } from './http2-head.ts'
import { Http2Response } from './http2-response.ts'
import { type PatienceLimits, StreamWatch } from './http2-watch.ts'
import type { Leaving } from './plain-response.ts'

/** What is true of one connection; `traffic/flood.ts` holds the values and the reasons. */
export interface ConnectionLimits extends PatienceLimits {
  readonly headersTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxRequestsPerSocket: number
  readonly maxWaitingBytes: number
  readonly maxUnreadBytes: number
  readonly resetBurst: number
  readonly resetsPerSecond: number
  readonly signalBurst: number
  readonly signalsPerSecond: number
  readonly overheadBytesPerSecond: number
  readonly overheadBytesPerStream: number
}

/** A request as it is handed on. */
export interface Http2Request {
  readonly head: RequestHead
  readonly body: Body
  readonly socket: Socket
  readonly response: Http2Response
}

export interface Http2ConnectionOptions {
  readonly session: ServerHttp2Session
  readonly socket: Socket
  readonly limits: ConnectionLimits
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Says whether one more stream is taken; then `release` is called once when it has closed. */
  readonly admit: (address: string) => boolean
  readonly release: (address: string) => void
  /** Called at most once, when the connection was cut off, or left, for what its client did. */
  readonly onAbuse?: ((address: string) => void) | undefined
  /** Takes one request. What it returns is told if the client leaves before the answer has. */
  readonly handle: (request: Http2Request) => Leaving
}

export class Http2Connection {
  readonly #options: Http2ConnectionOptions
  readonly #address: string
  readonly #streams = new Roster<StreamWatch>()
  readonly #fruitless: Allowance
  readonly #signals: Allowance
  #served = 0
  /** When the last stream closed; milliseconds. */
  #idleSince: number
  #endedAt = 0
  #isTold = false
  #bytesSeen = 0
  /** Bytes of bodies, and what a stream may cost beside its body, since the last look. */
  #bytesOwed = 0

  constructor(options: Http2ConnectionOptions) {
    this.#options = options
    const { session, socket, limits, now } = options
    this.#address = socket.remoteAddress ?? ''
    this.#idleSince = now()
    this.#fruitless = new Allowance(limits.resetBurst, limits.resetsPerSecond, now())
    this.#signals = new Allowance(limits.signalBurst, limits.signalsPerSecond, now())
    session.on('stream', (stream, _headers, _flags, raw) => this.#take(stream, raw))
    // Each of these is answered, whether anybody needs it or not.
    session.on('ping', () => this.#spend(this.#signals))
    session.on('remoteSettings', () => this.#spend(this.#signals))
    session.on('error', ({ code }: NodeJS.ErrnoException) => void (isBreach(code) && this.#tell()))
    // The library may have cut it off before we did.
    socket.once('close', () => void (this.#fruitless.isScarce(now()) && this.#tell()))
  }

  /** Says that no more is taken, and ends when the streams have. */
  close(): void {
    if (!this.#options.session.destroyed) this.#options.session.close()
  }

  /** To be called about once a second; `now` in milliseconds. */
  look(now: number): void {
    const { session, limits } = this.#options
    if (session.destroyed) return this.#lookAfterEnd(now)
    const streams = this.#streams.members
    if (this.#overhead(streams.length) > limits.overheadBytesPerSecond) return this.#end()
    const patience = this.#served === 0 ? limits.headersTimeoutMs : limits.keepAliveTimeoutMs
    if (streams.length === 0 && now - this.#idleSince > patience) return this.close()
    for (const watch of streams) if (watch.isLate(now)) watch.stream.close(constants.NGHTTP2_CANCEL)
  }

  /** One that was told goodbye may keep its side open. */
  #lookAfterEnd(now: number): void {
    if (this.#endedAt === 0) this.#endedAt = now
    else if (now - this.#endedAt > this.#options.limits.headersTimeoutMs) this.#options.socket.destroy()
  }

  #take(stream: ServerHttp2Stream, raw: readonly string[]): void {
    const { session, limits, admit } = this.#options
    stream.on('error', ignore)
    const head = http2Head(raw, stream.endAfterHeaders)
    const isMet = isExpectationMet(head)
    if (session.closed || !isMet || this.#waiting() > limits.maxUnreadBytes || !admit(this.#address)) {
      if (isMet) stream.close(constants.NGHTTP2_REFUSED_STREAM)
      else refuseExpectation(stream)
      return this.#spend(this.#fruitless)
    }
    this.#bytesOwed += limits.overheadBytesPerStream
    const { watch, request } = this.#open(stream, head)
    // Who resets a stream in the same breath has nothing of it carried out, and nothing spent on it.
    if (stream.endAfterHeaders) this.#begin(watch, request)
    else setImmediate(() => this.#begin(watch, request))
    if (++this.#served >= limits.maxRequestsPerSocket) this.close()
  }

  #open(stream: ServerHttp2Stream, head: RequestHead): { readonly watch: StreamWatch; readonly request: Http2Request } {
    const { socket, limits, now } = this.#options
    const body = new Http2Body({ stream, headers: head.headers, onBytes: this.#read })
    const response = new Http2Response({ stream, isHead: head.method === 'HEAD', hasRoom: this.#hasRoom })
    const watch = new StreamWatch({ stream, body, limits, openedAt: now() })
    this.#observe(watch, response, this.#streams.enter(watch))
    return { watch, request: { head, body, socket, response } }
  }

  /** Nothing of the head is kept by those who wait for the end. */
  #observe(watch: StreamWatch, response: Http2Response, seat: Seat<StreamWatch>): void {
    const { stream } = watch
    stream.on('finish', () => {
      // A stream that its client resets is ended too, by the library.
      if (response.writableEnded) endRequest(watch)
      response.finished()
    })
    stream.on('close', () => {
      this.#streams.leave(seat)
      this.#options.release(this.#address)
      this.#idleSince = this.#options.now()
      if (response.writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR) return
      watch.visit?.left()
      this.#spend(this.#fruitless)
    })
  }

  #begin(watch: StreamWatch, request: Http2Request): void {
    const { stream } = watch
    if (stream.closed || stream.destroyed) return
    try {
      watch.visit = this.#options.handle(request)
    } catch {
      // Nobody answers it any more; what it holds is given back when it has closed.
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
  }

  readonly #read = (count: number): void => void (this.#bytesOwed += count)

  /** An answer alone may be as long as it likes; several that nobody reads may not. */
  readonly #hasRoom = (length: number): boolean => {
    const waiting = this.#waiting()
    return waiting === 0 || waiting + length <= this.#options.limits.maxWaitingBytes
  }

  /** Bytes of answers that the client has not taken yet. */
  #waiting(): number {
    let waiting = 0
    for (const watch of this.#streams.members) waiting += watch.waiting
    return waiting
  }

  /** Bytes since the last look that were neither a body nor what streams may cost: frames without end. */
  #overhead(open: number): number {
    const { socket, limits } = this.#options
    const bytes = socket.bytesRead - this.#bytesSeen
    const owed = this.#bytesOwed
    this.#bytesSeen = socket.bytesRead
    // What of a body nobody has read yet is told with the next look.
    this.#bytesOwed = open * limits.overheadBytesPerStream
    return bytes - owed
  }

  #spend(allowance: Allowance): void {
    if (!allowance.take(this.#options.now())) this.#end()
  }

  #tell(): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#options.onAbuse?.(this.#address)
  }

  /** Resets and pings cost us more than who sends them (CVE-2023-44487, CVE-2019-9512). */
  #end(): void {
    const { session, socket } = this.#options
    this.#tell()
    if (!session.destroyed) session.destroy(new Error('too much for nothing'), constants.NGHTTP2_ENHANCE_YOUR_CALM)
    socket.destroy()
  }
}

const ignore = (): void => {}

/** What no client sends by accident: frames that break the protocol, and too many of those that are only borne. */
const isBreach = (code: string | undefined): boolean =>
  code === 'ERR_HTTP2_ERROR' || code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES'

/** Nothing else can be expected of us (RFC 9110 §10.1.1); Node says the same over HTTP/1.1. */
const isExpectationMet = ({ headers: { expect } }: RequestHead): boolean =>
  expect === undefined || (typeof expect === 'string' && expect.toLowerCase() === '100-continue')

function refuseExpectation(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return
  stream.respond({ ':status': 417 }, { endStream: true })
  if (!stream.endAfterHeaders) stream.close(constants.NGHTTP2_NO_ERROR)
}

/** What still comes of a request that was answered is not waited for (RFC 9113 §8.1). */
function endRequest({ stream, isWhole }: StreamWatch): void {
  if (stream.destroyed) return
  if (!isWhole) stream.close(constants.NGHTTP2_NO_ERROR)
  stream.removeAllListeners('data')
  stream.resume()
}
