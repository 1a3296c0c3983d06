/** Decides how one node keeps up with what all nodes write to one store: it asks at a pace, one question at a time. */
import type { Clock } from './clock.ts'

/** A store whose entries are numbered in the order in which they can be seen. */
export interface NewsSource<Entry extends { readonly sequence: number }> {
  since(sequence: number, maxEntries: number): Promise<readonly Entry[]>
}

export interface NewsParts<Entry extends { readonly sequence: number }> {
  readonly source: NewsSource<Entry>
  readonly clock: Clock
  /** How often the store is asked; at most 1000, because what is ended must be ended on every node within a second. */
  readonly pollMs: number
  /** Told about each failed question to the store. */
  readonly onProblem: (error: unknown) => void
  /** Given in the order of the store. `askedAt` is when the question was put, milliseconds since the epoch. */
  readonly take: (entries: readonly Entry[], askedAt: number) => void
  /** After each question that was answered whole. */
  readonly answered?: (askedAt: number) => void
  /** Once an hour: the store may forget what is over. */
  readonly prune: (now: number) => Promise<unknown>
}

const PAGE = 1_000
const PRUNE_MS = 3_600_000

/** Keeps asking between `start()` and `close()`. */
export class News<Entry extends { readonly sequence: number }> {
  readonly #parts: NewsParts<Entry>
  #sequence = 0
  #isAnew = false
  #prunedAt: number
  #flight: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** Throws a RangeError when the pace cannot keep the promise of one second. */
  constructor(parts: NewsParts<Entry>) {
    if (!(parts.pollMs > 0 && parts.pollMs <= 1_000)) throw new RangeError('pollMs must be above 0 and at most 1000')
    this.#parts = parts
    this.#prunedAt = parts.clock.now()
  }

  /** Reads what is there and keeps asking. Rejects when the store cannot be read: that is a start-up error. */
  async start(): Promise<void> {
    await this.refresh()
    this.#schedule()
  }

  /**
   * Asks now; `isAnew` when the store may be behind what was read, such as a replica that was promoted: then all of it is
   * read again. Rejects when the store cannot be read.
   */
  refresh(isAnew = false): Promise<void> {
    this.#isAnew ||= isAnew
    this.#flight ??= this.#read().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.refresh()
        .catch((error: unknown) => {
          if (!this.#closed) this.#parts.onProblem(error)
        })
        .finally(() => this.#schedule())
    }, this.#parts.pollMs)
    this.#timer.unref()
  }

  async #read(): Promise<void> {
    const { source, clock, take, answered, prune } = this.#parts
    const askedAt = clock.now()
    for (;;) {
      if (this.#isAnew) this.#sequence = 0
      this.#isAnew = false
      const entries = await source.since(this.#sequence, PAGE)
      this.#sequence = entries.at(-1)?.sequence ?? this.#sequence
      take(entries, askedAt)
      if (entries.length < PAGE && !this.#isAnew) break
    }
    answered?.(askedAt)
    if (askedAt - this.#prunedAt < PRUNE_MS) return
    this.#prunedAt = askedAt
    await prune(askedAt)
  }
}
