/** Decides what becomes of calls while the store that all nodes share does not answer. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { RateStore, RateVerdict, Taking } from './rate-store.ts'

export interface GuardedRatesParts {
  readonly shared: RateStore
  /** Counts instead, for this node alone; without it every call is refused. */
  readonly local?: RateStore
  readonly clock: Clock
  /** Told when the store has gone, with the reason, and when it is back. */
  readonly onChange: (error: unknown) => void
}

/** For so long a store that has failed is not asked again: a call must not wait for what another has just waited for. */
const REST_MS = 1_000

/** Rejects with `traffic.unavailable` while the store does not answer, unless this node may count alone. */
export class GuardedRates implements RateStore {
  readonly #parts: GuardedRatesParts
  #restsUntil = Number.NEGATIVE_INFINITY
  #isLost = false

  constructor(parts: GuardedRatesParts) {
    this.#parts = parts
  }

  async take(takings: readonly Taking[]): Promise<RateVerdict> {
    const { shared, clock, onChange } = this.#parts
    const rest = this.#restsUntil - clock.now()
    // A clock that was set back makes no rest longer.
    if (rest > 0 && rest <= REST_MS) return this.#alone(takings, 'resting')
    try {
      const verdict = await shared.take(takings)
      if (this.#isLost) onChange(undefined)
      this.#isLost = false
      return verdict
    } catch (error) {
      this.#restsUntil = clock.now() + REST_MS
      if (!this.#isLost) onChange(error)
      this.#isLost = true
      return this.#alone(takings, error)
    }
  }

  #alone(takings: readonly Taking[], cause: unknown): RateVerdict | Promise<RateVerdict> {
    const { local } = this.#parts
    if (local !== undefined) return local.take(takings)
    const headers = { 'retry-after': String(REST_MS / 1_000) }
    throw new Fault('traffic.unavailable', { reason: 'the store of the limits does not answer' }, { headers, cause })
  }
}
