/** Reads a stream no faster than allowed, and in slices, so that a flood neither fills memory nor holds the event loop. */
import type { Readable } from 'node:stream'

const WINDOW_MS = 1000
/** Bytes after which other work gets a turn: as many messages as they can hold take some ten milliseconds. */
const SLICE_BYTES = 64 * 1024
/** The same where they hold few messages, which then take a millisecond or two: to stop and to start costs more. */
const LARGE_SLICE_BYTES = 4 * SLICE_BYTES
const FEW_LINES = 64

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
  #sliceLines = 0
  #isTurnAsked = false
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
      this.#sliceLines += onChunk(chunk)
      if (this.#sliceBytes >= SLICE_BYTES) this.#yield()
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

  /** The immediate comes once all that can be read in this turn was. */
  #yield(): void {
    if (this.#sliceLines > FEW_LINES || this.#sliceBytes >= LARGE_SLICE_BYTES) this.hold('slice')
    if (this.#isTurnAsked) return
    this.#isTurnAsked = true
    setImmediate(() => {
      this.#isTurnAsked = false
      this.#sliceBytes = 0
      this.#sliceLines = 0
      this.release('slice')
    })
  }
}
