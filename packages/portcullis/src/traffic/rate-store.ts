/** How fast something may happen: `burst` permits at once, and `permits` more in each `perSeconds`. All are whole and positive. */
export interface RateRule {
  readonly permits: number
  readonly perSeconds: number
  readonly burst: number
}

/** So many permits of one key; a whole number, at least one. */
export interface Taking {
  readonly key: string
  readonly cost: number
  readonly rule: RateRule
}

export type RateVerdict =
  | { readonly allowed: true }
  /** `key` lacks permits for the longest; whole seconds, at least one, until it has as many as were asked for. */
  | { readonly allowed: false; readonly key: string; readonly retryAfterSeconds: number }

/**
 * Port: counts permits by key, by the generic cell rate algorithm (ITU-T I.371): a key owes what it has taken, its debt
 * shrinks at the rate of its rule, and never grows above the burst.
 *
 * `take` either takes all that is asked for, of every key, or nothing, in one step: of any number of simultaneous callers
 * exactly as many are allowed as there are permits. A key that is not known owes nothing; none is named twice in one step.
 * Rejects when the store cannot be asked; whoever asks then refuses.
 */
export interface RateStore {
  take(takings: readonly Taking[]): RateVerdict | Promise<RateVerdict>
}
