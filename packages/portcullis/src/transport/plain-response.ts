/** Decides how an answer to a plain request is written: head and body in one piece, or a stream in chunks (RFC 9112 §7.1). */
import type { Socket } from 'node:net'
import { http } from '../core/node-http.ts'
import { AnswerHead, type Headers } from './answer-head.ts'

/** What a reply needs of a response; `ServerResponse` has it too. */
export interface Response {
  readonly headersSent: boolean
  readonly destroyed: boolean
  readonly writableEnded: boolean
  readonly writableNeedDrain: boolean
  setHeader(name: string, value: string | string[]): unknown
  writeHead(status: number, headers: Headers): unknown
  /** After it, the body is a stream. */
  flushHeaders(): void
  write(chunk: string): boolean
  end(body?: string): unknown
  on(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
  /** There is no safe answer: nothing more is said. */
  destroy(): unknown
}

/** One of ours, which says when it has ended. */
export interface OwnResponse extends Response {
  /** Has it told when all has been handed on. */
  onEnd(visit: Ending): void
}

/** Told that an answer has been handed on. */
export interface Ending {
  end(): void
}

/** Told that the client left before that. */
export interface Leaving {
  left(): void
}

export interface PlainResponseOptions {
  readonly socket: Socket
  /** The connection ends with this response. */
  readonly isLast: boolean
  /** For how long the connection is kept afterwards, in seconds. */
  readonly keepSeconds: number
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

export class PlainResponse implements OwnResponse {
  readonly #options: PlainResponseOptions
  readonly #said = new AnswerHead()
  #isStream = false
  #ended = false
  readonly #visits: Ending[] = []

  constructor(options: PlainResponseOptions) {
    this.#options = options
  }

  /** They are told in their order when all has been handed to the socket. */
  onEnd(visit: Ending): void {
    this.#visits.push(visit)
  }

  get headersSent(): boolean {
    return this.#said.status !== 0
  }

  get destroyed(): boolean {
    return this.#options.socket.destroyed
  }

  get writableEnded(): boolean {
    return this.#ended
  }

  get writableNeedDrain(): boolean {
    return this.#options.socket.writableNeedDrain
  }

  setHeader(name: string, value: string | string[]): void {
    this.#said.set(name, value)
  }

  /** Throws a TypeError for a header that could end its line. */
  writeHead(status: number, headers: Headers): void {
    this.#said.write(status, headers)
  }

  flushHeaders(): void {
    this.#isStream = true
    this.#send(this.#head('transfer-encoding: chunked\r\n'))
    this.#said.forget()
  }

  write(chunk: string): boolean {
    // A chunk without a byte would be the end of the stream.
    if (!this.#isStream || this.#ended || chunk === '') return true
    return this.#send(`${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`)
  }

  /** What one turn sends leaves together. */
  #send(text: string): boolean {
    const { socket } = this.#options
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    return socket.write(text)
  }

  end(body = ''): void {
    if (this.#ended) return
    this.#ended = true
    const { socket } = this.#options
    if (this.#isStream) {
      this.#send('0\r\n\r\n')
      return this.#told()
    }
    // Without a head that may be sent there is nothing to say.
    if (this.#said.status === 0) {
      socket.destroy()
      return
    }
    const length = Number(this.#said.headers['content-length'])
    // So many bytes as characters: all of it is ASCII, which needs no conversion.
    socket.write(this.#head() + body, length === body.length ? 'latin1' : 'utf8')
    this.#told()
  }

  destroy(): void {
    this.#options.socket.destroy()
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    this.#options.socket.on(event, listener)
  }

  off(event: 'drain' | 'close', listener: () => void): void {
    this.#options.socket.off(event, listener)
  }

  #told(): void {
    for (const visit of this.#visits) visit.end()
  }

  #head(framing = ''): string {
    const { isLast, keepSeconds, now } = this.#options
    const { status, headers } = this.#said
    let head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n`
    for (const name in headers) {
      const value = headers[name]
      if (Array.isArray(value)) for (const one of value) head += `${name}: ${one}\r\n`
      else head += `${name}: ${String(value)}\r\n`
    }
    const rest = isLast ? 'connection: close' : `connection: keep-alive\r\nkeep-alive: timeout=${keepSeconds}`
    return `${head}${framing}date: ${dateAt(now())}\r\n${rest}\r\n\r\n`
  }
}

let second = -1
let date = ''

/** The same text for a second (RFC 9110 §6.6.1). */
function dateAt(milliseconds: number): string {
  const now = Math.floor(milliseconds / 1_000)
  if (now !== second) {
    second = now
    date = new Date(milliseconds).toUTCString()
  }
  return date
}
