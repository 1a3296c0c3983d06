/** Decides how many processes wait, started, for whoever comes first, and of which shape. */
import type { Clock } from '../core/clock.ts'
import { Backoff } from './backoff.ts'

/** What waits in a pool. */
export interface Standing {
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<unknown>
  stop(): Promise<unknown>
}

export interface WarmPoolOptions<T extends Standing> {
  readonly clock: Clock
  /** How many wait at a time; those that are being started count. */
  readonly size: number
  /** After which those that nobody came for are ended, until somebody comes again. */
  readonly idleMs: number
  /** Starts one more. What it throws holds off the next attempt; `onFailure` hears of it. */
  readonly prepare: (shape: string) => Promise<T>
  readonly onFailure?: ((thrown: unknown) => void) | undefined
}

interface Waiting<T> {
  readonly shape: string
  readonly item: T
  readonly startedAt: number
}

/** Whoever is being served comes before whoever may come: the next one is started a little later. */
const REFILL_MS = 50

/** Hands each thing out once. What was handed out never comes back, so nothing passes from one principal to another. */
export class WarmPool<T extends Standing> {
  readonly #options: WarmPoolOptions<T>
  readonly #backoff: Backoff
  readonly #waiting = new Set<Waiting<T>>()
  #preparing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #shape: string | undefined
  #usedAt = 0
  #closed = false

  constructor(options: WarmPoolOptions<T>) {
    this.#options = options
    this.#backoff = new Backoff(options.clock)
  }

  get size(): number {
    return this.#waiting.size
  }

  /** One of this shape, for good, or undefined when none waits. */
  take(shape: string): T | undefined {
    const found = [...this.#waiting].find((waiting) => waiting.shape === shape)
    if (found !== undefined) this.#waiting.delete(found)
    return found?.item
  }

  /** Has the pool filled in the background with what was last asked for. Call it once that was served. */
  expect(shape: string): void {
    this.#shape = shape
    this.#usedAt = this.#options.clock.now()
    this.#schedule(REFILL_MS)
  }

  /** Ends all that wait, and what is being started as soon as it stands. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await Promise.all([this.#preparing, this.#drain(() => true)])
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tend(), afterMs).unref()
  }

  #tend(): void {
    const { clock, size, idleMs } = this.#options
    if (this.#closed || this.#preparing !== undefined || this.#shape === undefined) return
    const idleInMs = this.#usedAt + idleMs - clock.now()
    if (idleInMs <= 0) return void this.#drain(() => true)
    const others = [...this.#waiting].filter((waiting) => waiting.shape !== this.#shape)
    if (this.#waiting.size - others.length >= size) return this.#schedule(idleInMs)
    const waitMs = this.#backoff.waitMs()
    if (waitMs > 0) return this.#schedule(Math.min(waitMs, idleInMs))
    // One of another shape gives way to one that is asked for.
    const [oldest] = others
    if (this.#waiting.size >= size) void this.#drain((waiting) => waiting === oldest)
    this.#preparing = this.#prepare(this.#shape).finally(() => {
      this.#preparing = undefined
      this.#schedule(0)
    })
  }

  /** One at a time, so that a start of many upstreams is not a start of many times as many processes. Never rejects. */
  async #prepare(shape: string): Promise<void> {
    const startedAt = this.#options.clock.now()
    try {
      const item = await this.#options.prepare(shape)
      if (this.#closed) return void (await item.stop())
      const waiting = { shape, item, startedAt }
      this.#waiting.add(waiting)
      void item.exited.then(() => this.#ended(waiting))
    } catch (thrown) {
      this.#backoff.failed()
      this.#options.onFailure?.(thrown)
    }
  }

  /** What was taken has another owner, who looks after its end. */
  #ended(waiting: Waiting<T>): void {
    if (!this.#waiting.delete(waiting)) return
    this.#backoff.ended('', waiting.startedAt)
    this.#schedule(0)
  }

  async #drain(which: (waiting: Waiting<T>) => boolean): Promise<void> {
    const ending = [...this.#waiting].filter(which)
    for (const waiting of ending) this.#waiting.delete(waiting)
    await Promise.allSettled(ending.map(({ item }) => item.stop()))
  }
}
