import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'

const FIRST_MS = 250
const MAX_MS = 30_000
/** A link that ends sooner than this after it was opened counts as one that could not be opened. */
const SHORT_LIFE_MS = 10_000

/** Keeps an upstream that cannot be reached, or that keeps dying, from being started over and over. */
export class Backoff {
  readonly #clock: Clock
  #failures = 0
  #notBefore = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws `upstream.unavailable` while it is too early for another attempt. */
  mayTry(): void {
    const waitMs = this.#notBefore - this.#clock.now()
    if (waitMs <= 0) return
    throw new Fault('upstream.unavailable', { reason: 'waits before it tries again', waitMs, failures: this.#failures })
  }

  failed(): void {
    this.#notBefore = this.#clock.now() + Math.min(FIRST_MS * 2 ** this.#failures, MAX_MS)
    this.#failures = Math.min(this.#failures + 1, 16)
  }

  /** A link ended that the gateway did not close. `openedAt` in milliseconds since the epoch. */
  ended(openedAt: number): void {
    if (this.#clock.now() - openedAt < SHORT_LIFE_MS) this.failed()
    else this.#failures = 0
  }
}
