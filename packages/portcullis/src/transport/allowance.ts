/** Decides how often something may happen: so many times at once, and afterwards so many times a second. */
export class Allowance {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  /** `now` in milliseconds, as for `take`. */
  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1_000
    this.#left = burst
    this.#at = now
  }

  /** True while less than half of it is left. */
  isScarce(now: number): boolean {
    return this.#left + Math.max(0, now - this.#at) * this.#perMs < this.#burst / 2
  }

  /** False when there is less than `count` left; what is refused costs nothing. */
  take(now: number, count = 1): boolean {
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < count) return false
    this.#left -= count
    return true
  }
}
