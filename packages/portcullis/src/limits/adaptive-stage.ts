/** The stage in which calls wait for their turn at an upstream that has become slow. */
import type { Exchange } from '../core/exchange.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Resolved } from '../mcp/definition.ts'
import { AdaptiveLimit, type AdaptiveRules } from './adaptive.ts'
import type { Bounded } from './bound.ts'
import type { Outcome } from './breaker.ts'
import { concurrency, type ConcurrencyOptions } from './concurrency.ts'
import type { Slots } from './slots.ts'

type Call = Exchange & Authenticated & Bounded & Resolved

export interface AdaptiveParts<Known>
  extends Pick<
    ConcurrencyOptions<Known>,
    'counts' | 'maxWaitMs' | 'maxQueued' | 'maxQueuedPerPrincipal' | 'maxPerPrincipal'
  > {
  readonly rules: AdaptiveRules
}

interface Place<Known> {
  readonly limit: AdaptiveLimit
  readonly slots: Slots
  readonly stage: Wrap<Known>
}

/** Wrap `limits.adaptive`: throws as `limits.concurrency` does. */
export class Adaptive<Known extends Call> {
  readonly #parts: AdaptiveParts<Known>
  readonly #places = new Map<string, Place<Known>>()

  constructor(parts: AdaptiveParts<Known>) {
    this.#parts = parts
  }

  /** How many calls at once each upstream may have now, of those that have been called. */
  get limits(): readonly { readonly upstream: string; readonly limit: number }[] {
    return [...this.#places].map(([upstream, { limit }]) => ({ upstream, limit: limit.limit }))
  }

  get stage(): Wrap<Known> {
    return {
      name: 'limits.adaptive',
      wrap: (exchange, next) => {
        const { upstream } = exchange
        if (upstream === undefined || !this.#parts.counts(exchange)) return next()
        return this.#of(upstream).stage.wrap(exchange, next)
      },
    }
  }

  /** To be told how long an upstream took for a call, without the time that the call has waited here. */
  ended(upstream: string, ms: number, outcome: Outcome): void {
    const { limit, slots } = this.#of(upstream)
    if (outcome === 'success') limit.answered(ms, slots.used)
    if (outcome === 'failure') limit.failed()
    slots.resize(limit.limit)
  }

  #of(upstream: string): Place<Known> {
    const known = this.#places.get(upstream)
    if (known !== undefined) return known
    const { rules, ...waiting } = this.#parts
    const limit = new AdaptiveLimit(rules)
    let slots: Slots | undefined
    const stage = concurrency<Known>({
      ...waiting,
      maxTotal: limit.limit,
      reserved: 0,
      retryAfterSeconds: 1,
      isAdministrator: () => false,
      onSlots: (made) => (slots = made),
    })
    const place = { limit, slots: slots as unknown as Slots, stage }
    this.#places.set(upstream, place)
    return place
  }
}
