import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Body } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'

/** What is known of a body while it comes. */
export interface Arriving {
  /** Its bytes, in chunks. */
  readonly source: Readable
  /** True when its sender has said that this was all of it. */
  readonly isWhole: () => boolean
  /** True when headers have followed it. */
  readonly hasTrailers: () => boolean
}

/**
 * Reads a body to its end. Rejects with `message.too_large` when more than `maxBytes` have arrived, `message.incomplete`, and
 * `transport.ambiguous_request` for trailers: what is said after a request was judged must not change it.
 */
export function gather({ source, isWhole, hasTrailers }: Arriving, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    let length = 0
    const take = (chunk: Buffer): void => {
      const received = length + chunk.length
      if (received > maxBytes) {
        source.pause()
        reject(new Fault('message.too_large', { received, maxBytes }))
        return
      }
      bytes = length === 0 ? chunk : appended(bytes, length, chunk, maxBytes)
      length = received
    }
    const fail = (cause: Error): void => reject(new Fault('message.incomplete', {}, { cause }))
    const leave = (): void => {
      if (!isWhole()) reject(new Fault('message.incomplete'))
    }
    source.on('data', take).once('error', fail).once('close', leave)
    source.once('end', () => {
      // A stream may stay open for days after its request.
      source.off('data', take).off('error', fail).off('close', leave)
      // Node tells the end of a stream of HTTP/2 that was reset, too.
      if (!isWhole()) reject(new Fault('message.incomplete'))
      else if (hasTrailers()) reject(new Fault('transport.ambiguous_request', { reason: 'trailers' }))
      else resolve(bytes.subarray(0, length))
    })
  })
}

/** To keep the chunks would cost a hundred times what a body weighs that comes byte by byte. */
function appended(bytes: Buffer, length: number, chunk: Buffer, maxBytes: number): Buffer {
  const wanted = length + chunk.length
  const room = wanted <= bytes.length ? bytes : Buffer.allocUnsafe(Math.min(maxBytes, 2 * wanted))
  if (room !== bytes) bytes.copy(room, 0, 0, length)
  chunk.copy(room, length)
  return room
}

/** Throws `message.too_large` when more than `maxBytes` are announced in `content-length`. */
export function checkAnnounced(contentLength: string | undefined, maxBytes: number): void {
  const announced = Number(contentLength ?? 0)
  if (announced > maxBytes) throw new Fault('message.too_large', { announced, maxBytes })
}

/**
 * The body of one request, read only when a stage asks for it, so that nothing is buffered for a caller who is refused
 * by its headers.
 */
export class RequestBody implements Body {
  readonly #request: IncomingMessage

  constructor(request: IncomingMessage) {
    this.#request = request
  }

  async read(maxBytes: number): Promise<Buffer> {
    const request = this.#request
    checkAnnounced(request.headers['content-length'], maxBytes)
    const isWhole = () => request.complete
    return gather({ source: request, isWhole, hasTrailers: () => request.rawTrailers.length > 0 }, maxBytes)
  }
}

/** The body of a request that has arrived in one piece. */
export class WholeBody implements Body {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  read(maxBytes: number): Buffer {
    const announced = this.#bytes.length
    if (announced > maxBytes) throw new Fault('message.too_large', { announced, maxBytes })
    return this.#bytes
  }
}
