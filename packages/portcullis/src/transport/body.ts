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
      let bytes: Buffer = Buffer.alloc(0)
      let length = 0
      const request = this.#request
      request.on('data', (chunk: Buffer) => {
        const received = length + chunk.length
        if (received > maxBytes) {
          request.pause()
          reject(new Fault('message.too_large', { received, maxBytes }))
          return
        }
        bytes = length === 0 ? chunk : appended(bytes, length, chunk, maxBytes)
        length = received
      })
      request.once('end', () => resolve(bytes.subarray(0, length)))
      request.once('error', (cause) => reject(new Fault('message.incomplete', {}, { cause })))
      request.once('close', () => {
        if (!request.complete) reject(new Fault('message.incomplete'))
      })
    })
  }
}

/** To keep the chunks would cost a hundred times what a body weighs that comes byte by byte. */
function appended(bytes: Buffer, length: number, chunk: Buffer, maxBytes: number): Buffer {
  const wanted = length + chunk.length
  const room = wanted <= bytes.length ? bytes : Buffer.allocUnsafe(Math.min(maxBytes, 2 * wanted))
  if (room !== bytes) bytes.copy(room, 0, 0, length)
  chunk.copy(room, length)
  return room
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
