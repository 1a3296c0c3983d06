import type { Clock } from '../../src/core/clock.ts'

/** A clock that moves only when it is told to. */
export class StillClock implements Clock {
  #now: number

  constructor(now = 1_800_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
  }

  get seconds(): number {
    return this.#now / 1000
  }
}
