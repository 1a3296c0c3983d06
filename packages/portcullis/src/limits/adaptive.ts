/**
 * Decides how many calls at once an upstream can take, by how long its answers take: while they are as quick as usual the
 * number grows, when they become slower it shrinks by as much as they did.
 */
export interface AdaptiveRules {
  readonly min: number
  readonly max: number
  /** How much slower than usual answers may become before the number shrinks; at least 1. */
  readonly tolerance: number
}

/** What is usual follows slowly, what is now fast: of about 300 and of about 10 calls. */
const USUAL_WEIGHT = 1 / 300
const RECENT_WEIGHT = 1 / 10
const SMOOTHING = 0.2
/** Of the number, when a call does not come back in time. */
const AFTER_FAILURE = 0.9
const LEAST_GRADIENT = 0.5

export class AdaptiveLimit {
  readonly #rules: AdaptiveRules
  #limit: number
  #usualMs: number | undefined
  #recentMs = 0

  constructor(rules: AdaptiveRules) {
    this.#rules = rules
    this.#limit = Math.min(rules.max, Math.max(rules.min, 32))
  }

  /** Calls at once that are allowed now. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** An answer took so many milliseconds, while so many calls were under way. */
  answered(ms: number, underWay: number): void {
    if (this.#usualMs === undefined) {
      this.#usualMs = ms
      this.#recentMs = ms
    }
    this.#usualMs += (ms - this.#usualMs) * USUAL_WEIGHT
    this.#recentMs += (ms - this.#recentMs) * RECENT_WEIGHT
    // What is usual must not stay at the level of a bad hour.
    if (this.#recentMs < this.#usualMs / 2) this.#usualMs *= 0.95
    // Whoever asks for little learns nothing about much.
    if (underWay < this.#limit / 2 && this.#recentMs <= this.#usualMs * this.#rules.tolerance) return
    const gradient = (this.#usualMs * this.#rules.tolerance) / Math.max(this.#recentMs, Number.MIN_VALUE)
    const wanted = this.#limit * Math.min(1, Math.max(LEAST_GRADIENT, gradient)) + Math.sqrt(this.#limit)
    this.#become(this.#limit + (wanted - this.#limit) * SMOOTHING)
  }

  /** A call did not come back in time. */
  failed(): void {
    this.#become(this.#limit * AFTER_FAILURE)
  }

  #become(limit: number): void {
    this.#limit = Math.min(this.#rules.max, Math.max(this.#rules.min, limit))
  }
}
