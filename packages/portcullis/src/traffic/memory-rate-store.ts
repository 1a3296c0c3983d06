import type { Clock } from '../core/clock.ts'
import type { RateRule, RateStore, RateVerdict } from './rate-store.ts'

interface Bucket {
  /** Permits times the period in milliseconds, so that all arithmetic is exact. */
  credit: number
  at: number
}

const ALLOWED: RateVerdict = { allowed: true }

/**
 * Permits of one process.
 *
 * Memory is bounded by two generations: a key that nobody touched while `maxKeys / 2` others came is forgotten, and
 * begins again with a full bucket. To have a bucket forgotten costs far more requests than the bucket holds.
 */
export class MemoryRateStore implements RateStore {
  readonly #clock: Clock
  readonly #halfOfKeys: number
  #young = new Map<string, Bucket>()
  #old = new Map<string, Bucket>()

  constructor(clock: Clock, options: { readonly maxKeys?: number } = {}) {
    this.#clock = clock
    this.#halfOfKeys = Math.max(1, Math.floor((options.maxKeys ?? 200_000) / 2))
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  take(key: string, cost: number, rule: RateRule): RateVerdict {
    const periodMs = rule.perSeconds * 1000
    const bucket = this.#bucket(key, rule.burst * periodMs, rule.permits)
    const price = cost * periodMs
    if (bucket.credit < price) {
      const waitMs = (price - bucket.credit) / rule.permits
      return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) }
    }
    bucket.credit -= price
    return ALLOWED
  }

  #bucket(key: string, full: number, perMs: number): Bucket {
    const now = this.#clock.now()
    const known = this.#young.get(key) ?? this.#aged(key)
    if (known === undefined) return this.#remember(key, { credit: full, at: now })
    // A clock that was set back earns nothing and costs nothing.
    known.credit = Math.min(full, known.credit + Math.max(0, now - known.at) * perMs)
    known.at = now
    return known
  }

  #aged(key: string): Bucket | undefined {
    const bucket = this.#old.get(key)
    if (bucket === undefined) return undefined
    this.#old.delete(key)
    return this.#remember(key, bucket)
  }

  #remember(key: string, bucket: Bucket): Bucket {
    if (this.#young.size >= this.#halfOfKeys) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, bucket)
    return bucket
  }
}
