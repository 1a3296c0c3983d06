/** Decides how an answer to a plain request is written: head and body in one piece, or a stream in chunks (RFC 9112 §7.1). */
import { type OutgoingHttpHeader, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** By name. */
export type Headers = Readonly<Record<string, OutgoingHttpHeader>>

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
}

/** One of ours, which says when it has ended. */
export interface OwnResponse extends Response {
  /** Called when all has been handed on. */
  onEnd(listener: () => void): void
  /** There is no safe answer: nothing more is said. */
  abandon(): void
}

/** What a header may hold; a line break would begin another header (RFC 9110 §5.5). */
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

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
  #set: Record<string, string | string[]> | undefined
  #status = 0
  #headers: Headers = {}
  #isStream = false
  #ended = false
  readonly #listeners: (() => void)[] = []

  constructor(options: PlainResponseOptions) {
    this.#options = options
  }

  /** Calls the listeners in their order when all has been handed to the socket. */
  onEnd(listener: () => void): void {
    this.#listeners.push(listener)
  }

  get headersSent(): boolean {
    return this.#status !== 0
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
    this.#set ??= {}
    this.#set[name] = value
  }

  /** Throws a TypeError for a header that could end its line. */
  writeHead(status: number, headers: Headers): void {
    const all = this.#set === undefined ? headers : { ...this.#set, ...headers }
    for (const name in all) checkHeader(name, all[name])
    this.#status = status
    this.#headers = all
  }

  flushHeaders(): void {
    this.#isStream = true
    this.#send(this.#head('transfer-encoding: chunked\r\n'))
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
    if (this.#status === 0) {
      socket.destroy()
      return
    }
    const length = Number(this.#headers['content-length'])
    // So many bytes as characters: all of it is ASCII, which needs no conversion.
    socket.write(this.#head() + body, length === body.length ? 'latin1' : 'utf8')
    this.#told()
  }

  abandon(): void {
    this.#options.socket.destroy()
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    this.#options.socket.on(event, listener)
  }

  off(event: 'drain' | 'close', listener: () => void): void {
    this.#options.socket.off(event, listener)
  }

  #told(): void {
    for (const listener of this.#listeners) listener()
  }

  #head(framing = ''): string {
    const { isLast, keepSeconds, now } = this.#options
    let head = `HTTP/1.1 ${this.#status} ${STATUS_CODES[this.#status] ?? ''}\r\n`
    for (const name in this.#headers) {
      const value = this.#headers[name]
      if (Array.isArray(value)) for (const one of value) head += `${name}: ${one}\r\n`
      else head += `${name}: ${String(value)}\r\n`
    }
    const rest = isLast ? 'connection: close' : `connection: keep-alive\r\nkeep-alive: timeout=${keepSeconds}`
    return `${head}${framing}date: ${dateAt(now())}\r\n${rest}\r\n\r\n`
  }
}

/** Throws a TypeError for a header that could end its line. */
export function checkHeader(name: string, value: OutgoingHttpHeader | undefined): void {
  if (!TOKEN.test(name)) throw new TypeError('not the name of a header')
  const values = Array.isArray(value) ? value : [String(value)]
  if (values.some((one) => UNSAFE.test(one))) throw new TypeError(`the header ${name} holds a control character`)
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
