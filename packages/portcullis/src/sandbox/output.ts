/** Reads a stream no faster than allowed, and in slices, so that a flood neither fills memory nor holds the event loop. */
import type { Readable } from 'node:stream'

const WINDOW_MS = 1000
/** Bytes after which other work gets a turn. */
const SLICE_BYTES = 256 * 1024

/** Why a stream is not read at the moment; it is read when there is no reason left. */
type Hold = 'owner' | 'rate' | 'slice'

export class PacedReader {
  readonly #stream: Readable
  readonly #bytesPerSecond: number
  readonly #holds = new Set<Hold>()
  #windowBytes = 0
  #window: NodeJS.Timeout | undefined
  #sliceBytes = 0
  #draining = false

  constructor(stream: Readable, bytesPerSecond: number, onChunk: (chunk: Buffer) => void) {
    this.#stream = stream
    this.#bytesPerSecond = bytesPerSecond
    stream.on('data', (chunk: Buffer) => {
      this.#count(chunk.length)
      onChunk(chunk)
    })
  }

  hold(reason: Hold): void {
    if (this.#draining) return
    this.#holds.add(reason)
    this.#stream.pause()
  }

  release(reason: Hold): void {
    if (this.#holds.delete(reason) && this.#holds.size === 0) this.#stream.resume()
  }

  /** Lets everything through that is left: the writer is gone, so it cannot be much. */
  drain(): void {
    this.#draining = true
    clearTimeout(this.#window)
    this.#holds.clear()
    this.#stream.resume()
  }

  #count(bytes: number): void {
    this.#windowBytes += bytes
    this.#sliceBytes += bytes
    this.#window ??= setTimeout(() => this.#openWindow(), WINDOW_MS).unref()
    if (this.#windowBytes > this.#bytesPerSecond) this.hold('rate')
    if (this.#sliceBytes > SLICE_BYTES) this.#yield()
  }

  #openWindow(): void {
    this.#window = undefined
    this.#windowBytes = 0
    this.release('rate')
  }

  #yield(): void {
    this.#sliceBytes = 0
    this.hold('slice')
    setImmediate(() => this.release('slice'))
  }
}
