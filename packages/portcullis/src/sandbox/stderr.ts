/** Passes standard error on up to a limit a minute, and keeps its end for the report. It is always read: never block. */
import type { Readable } from 'node:stream'

const WINDOW_MS = 60_000
const TAIL_BYTES = 4096

export class StderrReader {
  readonly #maxBytes: number
  readonly #onDrop: () => void
  #windowBytes = 0
  #tail: Buffer = Buffer.alloc(0)
  #listener: ((chunk: Buffer) => void) | undefined

  /** `onDrop` is called for each chunk that is not passed on as a whole. */
  constructor(stream: Readable, maxBytesPerMinute: number, onDrop: () => void = () => {}) {
    this.#onDrop = onDrop
    this.#maxBytes = maxBytesPerMinute
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  listen(listener: (chunk: Buffer) => void): void {
    this.#listener = listener
  }

  /** The last bytes as text. */
  get tail(): string {
    return this.#tail.toString('utf8').trim()
  }

  #take(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES)
    if (this.#windowBytes === 0) this.#resetLater()
    const kept = chunk.subarray(0, this.#maxBytes - this.#windowBytes)
    this.#windowBytes += kept.length
    if (kept.length > 0) this.#listener?.(kept)
    if (kept.length < chunk.length) this.#onDrop()
  }

  #resetLater(): void {
    setTimeout(() => {
      this.#windowBytes = 0
    }, WINDOW_MS).unref()
  }
}
