import type { IncomingMessage } from 'node:http'
import type { Body } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'

/**
 * The body of one request, read only when a stage asks for it, so that nothing is buffered for a caller who is refused
 * by its headers.
 */
export class RequestBody implements Body {
  readonly #request: IncomingMessage

  constructor(request: IncomingMessage) {
    this.#request = request
  }

  read(maxBytes: number): Promise<Buffer> {
    const announced = Number(this.#request.headers['content-length'] ?? 0)
    if (announced > maxBytes) return Promise.reject(new Fault('message.too_large', { announced, maxBytes }))
    return new Promise((resolve, reject) => {
      let first: Buffer | undefined
      let chunks: Buffer[] | undefined
      let length = 0
      const request = this.#request
      request.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxBytes) {
          request.pause()
          reject(new Fault('message.too_large', { received: length, maxBytes }))
        } else if (first === undefined) first = chunk
        else if (chunks === undefined) chunks = [first, chunk]
        else chunks.push(chunk)
      })
      request.once('end', () => resolve(chunks ? Buffer.concat(chunks, length) : (first ?? Buffer.alloc(0))))
      request.once('error', (cause) => reject(new Fault('message.incomplete', {}, { cause })))
      request.once('close', () => {
        if (!request.complete) reject(new Fault('message.incomplete'))
      })
    })
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
