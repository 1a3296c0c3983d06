/** Decides how an answer leaves over HTTP/2: head and body together, or a stream; and what is not kept for who does not read. */
import { constants, type ServerHttp2Stream, type ServerStreamResponseOptions } from 'node:http2'
import { AnswerHead, type Headers } from './answer-head.ts'
import type { Ending, OwnResponse } from './plain-response.ts'

export interface Http2ResponseOptions {
  readonly stream: ServerHttp2Stream
  /** The request wants no body. */
  readonly isHead: boolean
  /** Says whether so many characters more may wait for the client of this connection. */
  readonly hasRoom: (length: number) => boolean
}

export class Http2Response implements OwnResponse {
  readonly #stream: ServerHttp2Stream
  readonly #isHead: boolean
  readonly #hasRoom: (length: number) => boolean
  /** Absent when it was sent: a stream may last. */
  #said: AnswerHead | undefined = new AnswerHead()
  #isStream = false
  #ended = false
  #visit: Ending | undefined

  constructor({ stream, isHead, hasRoom }: Http2ResponseOptions) {
    this.#stream = stream
    this.#isHead = isHead
    this.#hasRoom = hasRoom
  }

  onEnd(visit: Ending): void {
    this.#visit = visit
  }

  /** To be called when all that was said has been handed on. */
  finished(): void {
    this.#visit?.end()
  }

  get headersSent(): boolean {
    return this.#said === undefined || this.#said.status !== 0
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  get writableEnded(): boolean {
    return this.#ended
  }

  get writableNeedDrain(): boolean {
    return this.#stream.writableNeedDrain
  }

  setHeader(name: string, value: string | string[]): void {
    this.#said?.set(name, value)
  }

  /** Throws a TypeError for a header that would end its line behind a proxy that speaks HTTP/1.1. */
  writeHead(status: number, headers: Headers): void {
    this.#said?.write(status, headers)
  }

  flushHeaders(): void {
    this.#isStream = true
    if (!this.destroyed) this.#respond()
  }

  write(chunk: string): boolean {
    if (!this.#isStream || this.#ended || this.destroyed) return true
    return this.#stream.write(chunk)
  }

  end(body = ''): void {
    if (this.#ended) return
    this.#ended = true
    if (this.destroyed) return
    if (this.#isStream) this.#stream.end()
    else if (!this.headersSent) this.destroy()
    else this.#answer(body)
  }

  destroy(): void {
    this.#ended = true
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  on(event: 'drain' | 'close', listener: () => void): void {
    this.#stream.on(event, listener)
  }

  off(event: 'drain' | 'close', listener: () => void): void {
    this.#stream.off(event, listener)
  }

  #answer(body: string): void {
    const stream = this.#stream
    if (!this.#hasRoom(body.length)) return stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    const endStream = body === '' || this.#isHead
    if (this.#respond({ endStream }) && !endStream) stream.end(body)
  }

  /** False for a header that HTTP/2 has none of: nobody above would catch it at the end of a turn. */
  #respond(options?: ServerStreamResponseOptions): boolean {
    const said = this.#said
    if (said === undefined) return false
    this.#said = undefined
    const { status, headers } = said
    try {
      // As long as the stream lasts, the library keeps what it was given: a list takes a third of what an object takes.
      if (this.#isStream && TAKES_LISTS) this.#stream.respond(listed(status, headers))
      else this.#stream.respond({ ':status': status, ...headers }, options)
      return true
    } catch {
      this.destroy()
      return false
    }
  }
}

function listed(status: number, headers: Headers): readonly string[] {
  const list = [':status', String(status)]
  for (const name in headers) for (const one of [headers[name] ?? []].flat()) list.push(name, String(one))
  return list
}

/** Since Node 24.7, and 22.20. */
const TAKES_LISTS = takesLists(process.versions.node)

function takesLists(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 7) || (major === 22 && minor >= 20)
}
