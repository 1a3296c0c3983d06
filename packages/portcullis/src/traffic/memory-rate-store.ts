import type { Clock } from '../core/clock.ts'
import { owedAfter, priceOf, retryAfter, waitMs } from './debt.ts'
import type { RateStore, RateVerdict, Taking } from './rate-store.ts'

interface Account {
  debt: number
  at: number
}

const ALLOWED: RateVerdict = { allowed: true }

/**
 * Permits of one process.
 *
 * Memory is bounded by two generations: a key that nobody touched while `maxKeys / 2` others came is forgotten, and
 * begins again without a debt. To have a debt forgotten costs far more requests than the burst holds.
 */
export class MemoryRateStore implements RateStore {
  readonly #clock: Clock
  readonly #halfOfKeys: number
  #young = new Map<string, Account>()
  #old = new Map<string, Account>()

  constructor(clock: Clock, options: { readonly maxKeys?: number } = {}) {
    this.#clock = clock
    this.#halfOfKeys = Math.max(1, Math.floor((options.maxKeys ?? 200_000) / 2))
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  take(takings: readonly Taking[]): RateVerdict {
    const now = this.#clock.now()
    const [first] = takings
    if (first !== undefined && takings.length === 1) return this.#takeOne(first, now)
    const accounts = takings.map((taking) => this.#account(taking, now))
    let longest: { readonly key: string; readonly ms: number } | undefined
    for (const [at, { key, cost, rule }] of takings.entries()) {
      const ms = waitMs((accounts[at] as Account).debt, priceOf(cost, rule), rule)
      if (ms > (longest?.ms ?? 0)) longest = { key, ms }
    }
    if (longest !== undefined) return { allowed: false, key: longest.key, retryAfterSeconds: retryAfter(longest.ms) }
    for (const [at, { cost, rule }] of takings.entries()) (accounts[at] as Account).debt += priceOf(cost, rule)
    return ALLOWED
  }

  /** What most calls ask for. */
  #takeOne(taking: Taking, now: number): RateVerdict {
    const { key, cost, rule } = taking
    const account = this.#account(taking, now)
    const price = priceOf(cost, rule)
    const ms = waitMs(account.debt, price, rule)
    if (ms > 0) return { allowed: false, key, retryAfterSeconds: retryAfter(ms) }
    account.debt += price
    return ALLOWED
  }

  #account({ key, rule }: Taking, now: number): Account {
    const known = this.#young.get(key) ?? this.#aged(key)
    if (known === undefined) return this.#remember(key, { debt: 0, at: now })
    known.debt = owedAfter(known.debt, now - known.at, rule)
    known.at = now
    return known
  }

  #aged(key: string): Account | undefined {
    const account = this.#old.get(key)
    if (account === undefined) return undefined
    this.#old.delete(key)
    return this.#remember(key, account)
  }

  #remember(key: string, account: Account): Account {
    if (this.#young.size >= this.#halfOfKeys) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, account)
    return account
  }
}
