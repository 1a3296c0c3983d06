/** Decides when an upstream that cannot be started, or that keeps dying, may be started again. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'

const FIRST_MS = 250
const MAX_MS = 30_000
/** A link that ends sooner than this after it was opened counts as one that could not be opened. */
const SHORT_LIFE_MS = 10_000
/** After which a failure says nothing about the next start any more. */
const FORGET_MS = 2 * MAX_MS
const MAX_SCOPES = 10_000
/** Failures that are not the doing of one scope. */
const EVERYBODY = ''

interface Failures {
  count: number
  /** Milliseconds since the epoch, as all times here. */
  lastAt: number
  notBefore: number
}

/**
 * Failures are counted for each scope, so that a caller whose calls crash its own process holds up nobody else's; a
 * start that fails whoever asks is counted for all. The first crash is free: the call after it is not made to wait.
 */
export class Backoff {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failures>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws `upstream.unavailable`, which says when to try again, while it is too early for another start. */
  mayTry(scope: string): void {
    const waitMs = this.waitMs(scope)
    if (waitMs <= 0) return
    const seconds = Math.ceil(waitMs / 1_000)
    const failures = Math.max(this.#of(scope)?.count ?? 0, this.#of(EVERYBODY)?.count ?? 0)
    throw new Fault(
      'upstream.unavailable',
      { reason: 'waits before it tries again', waitMs, failures },
      {
        says: `The upstream has failed; it is started again in ${seconds} s at the earliest.`,
        headers: { 'Retry-After': `${seconds}` },
      },
    )
  }

  /** Milliseconds until a start is allowed; nothing or less means now. */
  waitMs(scope: string = EVERYBODY): number {
    const notBefore = Math.max(this.#of(scope)?.notBefore ?? 0, this.#of(EVERYBODY)?.notBefore ?? 0)
    return notBefore - this.#clock.now()
  }

  /** A start failed: for one scope when what that scope asked for may be the reason, or without one for all. */
  failed(scope: string = EVERYBODY): void {
    const failures = this.#count(scope)
    failures.notBefore = failures.lastAt + Math.min(FIRST_MS * 2 ** (failures.count - 1), MAX_MS)
  }

  /** A link of a scope ended that the gateway did not close. `openedAt` in milliseconds since the epoch. */
  ended(scope: string, openedAt: number): void {
    if (this.#clock.now() - openedAt >= SHORT_LIFE_MS) this.#failures.delete(scope)
    else if (this.#of(scope) === undefined) this.#count(scope)
    else this.failed(scope)
  }

  #of(scope: string): Failures | undefined {
    const failures = this.#failures.get(scope)
    return failures !== undefined && this.#clock.now() - failures.lastAt < FORGET_MS ? failures : undefined
  }

  #count(scope: string): Failures {
    const { count = 0, notBefore = 0 } = this.#of(scope) ?? {}
    const failures = { count: Math.min(count + 1, 16), lastAt: this.#clock.now(), notBefore }
    this.#failures.delete(scope)
    this.#failures.set(scope, failures)
    // The oldest go first; Maps keep the order in which entries were made.
    for (const [oldest] of this.#failures) {
      if (this.#failures.size <= MAX_SCOPES) break
      this.#failures.delete(oldest)
    }
    return failures
  }
}
