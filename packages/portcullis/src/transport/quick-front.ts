/**
 * Decides which connections are read without node:http: all of them, for as long as they bring plain requests one after the other.
 * With the first one that is anything else, the connection is node:http's, and stays so.
 */
import type { Socket } from 'node:net'
import { Roster } from '../core/roster.ts'
import { LastHead } from './last-head.ts'
import type { PlainLimits, PlainRequest } from './plain-request.ts'
import { type Leaving, PlainResponse } from './plain-response.ts'

export interface QuickLimits extends PlainLimits {
  /** Until the first request has arrived. */
  readonly headersTimeoutMs: number
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number
  readonly maxRequestsPerSocket: number
}

export interface QuickFrontOptions {
  readonly limits: QuickLimits
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Takes one request. What it returns is told if the client leaves before the answer has. */
  readonly handle: (request: Received) => Leaving
  /** Takes a connection with all that has not been read as a plain request. */
  readonly handOver: (socket: Socket) => void
}

export interface Received {
  readonly request: PlainRequest
  readonly body: Buffer
  readonly socket: Socket
  readonly response: PlainResponse
}

export class QuickFront {
  readonly #options: QuickFrontOptions
  readonly #connections = new Roster<Connection>()
  #closing = false

  constructor(options: QuickFrontOptions) {
    this.#options = options
  }

  take(socket: Socket): void {
    if (this.#closing) {
      socket.destroy()
      return
    }
    const connection = new Connection(socket, this.#options, () => this.#closing)
    const seat = this.#connections.enter(connection)
    connection.onGone = () => this.#connections.leave(seat)
  }

  /** Ends connections without a request under way, now and from now on. */
  close(): void {
    this.#closing = true
    for (const connection of this.#connections.members) connection.endIfIdle()
  }
}

class Connection {
  onGone: (() => void) | undefined
  readonly #socket: Socket
  readonly #options: QuickFrontOptions
  readonly #heads: LastHead
  readonly #isClosing: () => boolean
  /** Bytes that are not answered yet and not part of the request under way. */
  #rest: Buffer | undefined
  #begun: Begun | undefined
  /** Present while a request is under way. */
  #leave: Leaving | undefined
  /** The client has yet to read what was answered. */
  #isFull = false
  #served = 0
  /** The last answer has been sent; whatever else comes is not read. */
  #isOver = false
  #waiting: NodeJS.Immediate | undefined
  readonly #read = (chunk: Buffer) => this.#take(chunk)
  readonly #end = () => this.#socket.end()
  /** A call may take long; only those who wait for nothing are late, or do not read what they are sent. */
  readonly #late = () => (this.#leave === undefined || this.#isFull) && this.#socket.destroy()
  readonly #close = () => this.#gone()

  constructor(socket: Socket, options: QuickFrontOptions, isClosing: () => boolean) {
    this.#socket = socket
    this.#options = options
    this.#heads = new LastHead(options.limits)
    this.#isClosing = isClosing
    socket.setNoDelay(true)
    socket.setTimeout(options.limits.headersTimeoutMs)
    socket.on('error', () => {})
    socket.on('data', this.#read).on('end', this.#end).on('timeout', this.#late).on('close', this.#close)
  }

  endIfIdle(): void {
    if (this.#leave === undefined) this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return
    if (this.#begun !== undefined) return this.#gather(this.#begun, chunk)
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    if (this.#leave === undefined) this.#serve(bytes)
    else this.#keep(bytes)
  }

  /** Whoever does not wait for an answer has the next request read after it. */
  #keep(bytes: Buffer): void {
    this.#rest = bytes
    this.#socket.pause()
  }

  #serve(bytes: Buffer): void {
    const request = this.#heads.read(bytes)
    if (request === undefined) return this.#handOver(bytes)
    if (bytes.length < request.end) return this.#await(request, bytes)
    this.#begin(request, bytes)
  }

  #begin(request: PlainRequest, bytes: Buffer): void {
    const { limits, now, handle } = this.#options
    const { length } = bytes
    if (length > request.end) this.#keep(bytes.subarray(request.end))
    if (this.#served++ === 0) this.#socket.setTimeout(limits.keepAliveTimeoutMs)
    const isLast = this.#served >= limits.maxRequestsPerSocket || this.#isClosing()
    const keepSeconds = Math.floor(limits.keepAliveTimeoutMs / 1_000)
    const response = new PlainResponse({ socket: this.#socket, isLast, keepSeconds, now })
    const leave = handle({ request, body: bytes.subarray(request.start, request.end), socket: this.#socket, response })
    this.#leave = leave
    response.onEnd({ end: () => this.#answered(isLast) })
  }

  /** Head and body are often sent one after the other; what is not there when this turn ends is slow, and node:http has limits for that. */
  #await(request: PlainRequest, bytes: Buffer): void {
    const begun: Begun = { request, pieces: [bytes], length: bytes.length }
    this.#begun = begun
    this.#waiting = setImmediate(() => {
      this.#begun = undefined
      if (!this.#socket.destroyed) this.#handOver(Buffer.concat(begun.pieces))
    })
  }

  /** The head is not read again: a turn may bring a body in as many pieces as it has bytes. */
  #gather(begun: Begun, chunk: Buffer): void {
    begun.pieces.push(chunk)
    begun.length += chunk.length
    if (begun.length < begun.request.end) return
    clearImmediate(this.#waiting)
    this.#begun = undefined
    this.#begin(begun.request, Buffer.concat(begun.pieces, begun.length))
  }

  #answered(isLast: boolean): void {
    this.#leave = undefined
    if (isLast || this.#isClosing()) this.#finish()
    else if (this.#socket.writableNeedDrain) this.#drain()
    // In a turn of its own, so that requests sent in one piece do not follow each other into the stack.
    else if (this.#rest !== undefined) setImmediate(() => this.#goOn())
  }

  /** A request that came now would be carried out, and nobody would be told what became of it. */
  #finish(): void {
    this.#isOver = true
    this.#rest = undefined
    this.#socket.destroySoon()
  }

  /** Nothing more is read of a client that does not read: its answers would be kept here without end. */
  #drain(): void {
    this.#isFull = true
    this.#leave = NOBODY
    this.#socket.once('drain', () => {
      this.#isFull = false
      this.#leave = undefined
      this.#goOn()
    })
  }

  #goOn(): void {
    const rest = this.#rest
    if (rest === undefined || this.#leave !== undefined || this.#socket.destroyed) return
    this.#rest = undefined
    this.#socket.resume()
    this.#serve(rest)
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    clearImmediate(this.#waiting)
    socket.off('data', this.#read).off('end', this.#end).off('timeout', this.#late).off('close', this.#close)
    socket.setTimeout(0)
    socket.pause()
    this.onGone?.()
    socket.unshift(bytes)
    this.#options.handOver(socket)
    socket.resume()
  }

  #gone(): void {
    clearImmediate(this.#waiting)
    this.onGone?.()
    const leave = this.#leave
    this.#leave = undefined
    leave?.left()
  }
}

/** A request whose body is still coming, and what there is of it. */
interface Begun {
  readonly request: PlainRequest
  readonly pieces: Buffer[]
  length: number
}

const NOBODY: Leaving = { left() {} }
