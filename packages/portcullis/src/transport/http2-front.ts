/** Decides which connections are read as HTTP/2, with what bounds, and how they end. Loaded when the first one comes. */
import { performServerHandshake, type ServerSessionOptions } from 'node:http2'
import type { Socket } from 'node:net'
import { Roster } from '../core/roster.ts'
import { type ConnectionLimits, Http2Connection, type Http2Request } from './http2-connection.ts'

import type { Leaving } from './plain-response.ts'

export type { Http2Request } from './http2-connection.ts'

export interface Http2Limits extends ConnectionLimits {
  readonly maxHeaderBytes: number
  readonly maxHeaders: number
  /** Of all connections together. */
  readonly maxStreams: number
  readonly maxStreamsPerConnection: number
  readonly maxSessionMiB: number
  readonly maxInvalidFrames: number
}

export interface Http2FrontOptions {
  readonly limits: Http2Limits
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** How often it is looked for what is late, in milliseconds. Default: a second. */
  readonly lookMs?: number
  /** Says whether one more stream of this address is taken; `release` is called when it has closed. */
  readonly gate?: { admit(address: string): boolean; release(address: string): void } | undefined
  /** Told of the address of each connection that was cut off, or left, for what its client did. */
  readonly onAbuse?: ((address: string) => void) | undefined
  /** Takes one request. What it returns is told if the client leaves before the answer has. */
  readonly handle: (request: Http2Request) => Leaving
}

const LOOK_MS = 1_000
/** Names and values of the pseudo-headers are counted too. */
const PSEUDO_HEADERS = 4

export class Http2Front {
  readonly #options: Http2FrontOptions
  readonly #connections = new Roster<Http2Connection>()
  readonly #looking: NodeJS.Timeout
  #open = 0
  #closing = false

  constructor(options: Http2FrontOptions) {
    this.#options = options
    this.#looking = setInterval(() => this.#look(), options.lookMs ?? LOOK_MS).unref()
  }

  take(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#closing || socket.destroyed) {
      socket.destroy()
      return
    }
    socket.setNoDelay(true)
    const { limits, now, onAbuse, handle } = this.#options
    const session = performServerHandshake(socket, sessionOptions(limits))
    const admit = (address: string): boolean => this.#admit(address)
    const release = (address: string): void => this.#release(address)
    const connection = new Http2Connection({ session, socket, limits, now, admit, release, onAbuse, handle })
    const seat = this.#connections.enter(connection)
    socket.once('close', () => {
      this.#connections.leave(seat)
      if (this.#closing && this.#connections.size === 0) clearInterval(this.#looking)
    })
  }

  /** Tells all that no more is taken; streams that are open come to their end. */
  close(): void {
    this.#closing = true
    if (this.#connections.size === 0) clearInterval(this.#looking)
    for (const connection of this.#connections.members) connection.close()
  }

  #admit(address: string): boolean {
    const { limits, gate } = this.#options
    if (this.#open >= limits.maxStreams || gate?.admit(address) === false) return false
    this.#open++
    return true
  }

  #release(address: string): void {
    this.#open--
    this.#options.gate?.release(address)
  }

  #look(): void {
    const now = this.#options.now()
    for (const connection of this.#connections.members) connection.look(now)
  }
}

function sessionOptions(limits: Http2Limits): ServerSessionOptions {
  return {
    maxSessionMemory: limits.maxSessionMiB,
    maxHeaderListPairs: limits.maxHeaders + PSEUDO_HEADERS,
    maxSessionInvalidFrames: limits.maxInvalidFrames,
    maxSessionRejectedStreams: limits.maxInvalidFrames,
    // Counted before this process is told of a stream; what is counted after that is ours (http2-connection.ts).
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerSecond,
    settings: {
      enablePush: false,
      enableConnectProtocol: false,
      maxConcurrentStreams: limits.maxStreamsPerConnection,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
  }
}
