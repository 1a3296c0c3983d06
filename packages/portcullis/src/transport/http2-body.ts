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
  readonly #stream: ServerHttp2Stream
  /** Until the request has arrived: its answer may be a stream that lasts. */
  #arriving: Omit<Http2BodyOptions, 'stream'> | undefined
  #isWhole: boolean
  #hasTrailers = false

  constructor({ stream, ...arriving }: Http2BodyOptions) {
    this.#stream = stream
    this.#arriving = arriving
    this.#isWhole = stream.endAfterHeaders
    if (!this.#isWhole) this.#await(stream)
  }

  /** True when the client has sent all of its request, whether somebody has read it or not. */
  get isWhole(): boolean {
    const stream = this.#stream
    if (!this.#isWhole && !stream.destroyed) this.#isWhole = stream.state.remoteClose === 1
    return this.#isWhole
  }

  async read(maxBytes: number): Promise<Buffer> {
    const stream = this.#stream
    const { headers = {}, onBytes } = this.#arriving ?? {}
    this.#arriving = undefined
    checkAnnounced(headers['content-length'] as string | undefined, maxBytes)
    // It would never tell its end again.
    if (stream.closed || stream.destroyed) throw new Fault('message.incomplete')
    if (headers['expect'] !== undefined && !stream.headersSent) stream.additionalHeaders({ ':status': 100 })
    const count = (chunk: Buffer): void => onBytes?.(chunk.length)
    stream.on('data', count).once('end', () => stream.off('data', count))
    return gather({ source: stream, isWhole: () => this.#isWhole, hasTrailers: () => this.#hasTrailers }, maxBytes)
  }

  #await(stream: ServerHttp2Stream): void {
    const trailed = (): void => void (this.#hasTrailers = true)
    const ended = (): void => {
      stream.off('trailers', trailed).off('end', ended)
      // What is closed by then was cut off by one of us: a message without its end is none (RFC 9113 §8.1).
      this.#isWhole = !stream.closed && !stream.destroyed
    }
    stream.on('trailers', trailed).on('end', ended)
  }
}
