/**
 * Makes a program wait that is refused again and again. Each refusal is a record of the audit trail, so without a pause a
 * loop inside could fill the disk of the gateway.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'

/** In a second; ordinary programs stay far below. */
const AT_ONCE = 20
const SECOND_MS = 1_000
const PAUSE_MS = 1_000

export class Patience {
  readonly #clock: Clock
  #refusals = 0
  #secondEndsAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the program may be told. Whoever waits keeps its place among the connections of the sandbox. */
  async beforeRefusal(): Promise<void> {
    const now = this.#clock.now()
    if (now >= this.#secondEndsAt) {
      this.#refusals = 0
      this.#secondEndsAt = now + SECOND_MS
    }
    if (++this.#refusals > AT_ONCE) await sleep(PAUSE_MS, undefined, { ref: false })
  }
}
