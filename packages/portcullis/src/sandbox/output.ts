/** Reads a stream no faster than allowed, and in slices, so that a flood neither fills memory nor holds the event loop. */
import type { Readable } from 'node:stream'

const WINDOW_MS = 1000
/** Bytes after which other work gets a turn: as many messages as they can hold take some ten milliseconds. */
const SLICE_BYTES = 64 * 1024
/**
 * With no more lines than these, a slice takes a millisecond or less. Then nothing is stopped unless more comes in the
 * same turn: stopping and starting for each large answer costs more than cutting it.
 */
const FEW_LINES = 16

/** Why a stream is not read at the moment; it is read when there is no reason left. */
type Hold = 'owner' | 'rate' | 'slice'

export class PacedReader {
  readonly #stream: Readable
  readonly #bytesPerSecond: number
  readonly #onRate: () => void
  readonly #holds = new Set<Hold>()
  #windowBytes = 0
  #window: NodeJS.Timeout | undefined
  #sliceBytes = 0
  #isSliceFull = false
  #draining = false

  /** `onChunk` says how many lines it has dealt with. `onRate` is called once for each second with a wait. */
  constructor(
    stream: Readable,
    bytesPerSecond: number,
    onChunk: (chunk: Buffer) => number,
    onRate: () => void = () => {},
  ) {
    this.#stream = stream
    this.#onRate = onRate
    this.#bytesPerSecond = bytesPerSecond
    stream.on('data', (chunk: Buffer) => {
      this.#count(chunk.length)
      const lines = onChunk(chunk)
      if (this.#sliceBytes >= SLICE_BYTES) this.#yield(lines > FEW_LINES)
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
    if (this.#windowBytes > this.#bytesPerSecond) this.#holdRate()
  }

  #holdRate(): void {
    if (!this.#holds.has('rate') && !this.#draining) this.#onRate()
    this.hold('rate')
  }

  #openWindow(): void {
    this.#window = undefined
    this.#windowBytes = 0
    this.release('rate')
  }

  /** An immediate comes after all that was ready to be read in this turn. */
  #yield(atOnce: boolean): void {
    if (atOnce || this.#isSliceFull) this.hold('slice')
    if (this.#isSliceFull) return
    this.#isSliceFull = true
    setImmediate(() => {
      this.#isSliceFull = false
      this.#sliceBytes = 0
      this.release('slice')
    })
  }
}
