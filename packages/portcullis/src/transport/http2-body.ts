/** The body of an HTTP/2 request, read only when a stage asks for it; until then its window keeps it at 64 KB. */
import type { ServerHttp2Stream } from 'node:http2'
import type { Body, RequestHead } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { checkAnnounced, gather } from './body.ts'

export interface Http2BodyOptions {
  readonly stream: ServerHttp2Stream
  readonly headers: RequestHead['headers']
  /** Told of the bytes of each piece that is read. */
  readonly onBytes: (count: number) => void
}

export class Http2Body implements Body {
  readonly #options: Http2BodyOptions
  #isWhole: boolean
  #hasTrailers = false

  constructor(options: Http2BodyOptions) {
    this.#options = options
    const { stream } = options
    this.#isWhole = stream.endAfterHeaders
    if (this.#isWhole) return
    stream.once('trailers', () => {
      this.#hasTrailers = true
    })
    // What is closed by then was cut off by one of us: a message without its end is none (RFC 9113 §8.1).
    stream.once('end', () => {
      this.#isWhole = !stream.closed && !stream.destroyed
    })
  }

  /** True when the client has sent all of its request, whether somebody has read it or not. */
  get isWhole(): boolean {
    const { stream } = this.#options
    if (!this.#isWhole && !stream.destroyed) this.#isWhole = stream.state.remoteClose === 1
    return this.#isWhole
  }

  async read(maxBytes: number): Promise<Buffer> {
    const { stream, headers, onBytes } = this.#options
    checkAnnounced(headers['content-length'] as string | undefined, maxBytes)
    // It would never tell its end again.
    if (stream.closed || stream.destroyed) throw new Fault('message.incomplete')
    if (headers['expect'] !== undefined && !stream.headersSent) stream.additionalHeaders({ ':status': 100 })
    stream.on('data', (chunk: Buffer) => onBytes(chunk.length))
    return gather({ source: stream, isWhole: () => this.#isWhole, hasTrailers: () => this.#hasTrailers }, maxBytes)
  }
}
