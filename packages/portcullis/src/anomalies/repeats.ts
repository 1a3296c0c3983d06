/** One alert for each subject and reason in a while; what is withheld meanwhile is counted and told with the next, or at the end. */

interface Told<T> {
  readonly last: T
  readonly until: number
  withheld: number
}

/** What was withheld and is due to be told. */
export interface Due<T> {
  readonly last: T
  readonly count: number
}

export class Repeats<T> {
  readonly #told = new Map<string, Told<T>>()
  readonly #windowMs: number
  readonly #max: number

  constructor(windowMs: number, max = 10_000) {
    this.#windowMs = windowMs
    this.#max = max
  }

  /** How often it happened since it was told last, this time included; 0 when it is withheld. `now` in ms since the epoch. */
  admit(key: string, what: T, now: number): number {
    const told = this.#told.get(key)
    // A clock that was set back by more than a window must not keep alerts back.
    if (told !== undefined && now < told.until && told.until - now <= this.#windowMs) {
      told.withheld++
      return 0
    }
    const count = (told?.withheld ?? 0) + 1
    this.#told.delete(key)
    // With so many at once some are told more often than they need be: nothing is kept back for want of room.
    if (this.#told.size >= this.#max) this.#told.delete(this.#told.keys().next().value as string)
    this.#told.set(key, { last: what, until: now + this.#windowMs, withheld: 0 })
    return count
  }

  /** Takes out what is over; of that, what was withheld. */
  sweep(now: number): readonly Due<T>[] {
    const due: Due<T>[] = []
    for (const [key, { last, until, withheld }] of this.#told) {
      if (now < until) continue
      this.#told.delete(key)
      if (withheld > 0) due.push({ last, count: withheld })
    }
    return due
  }
}
