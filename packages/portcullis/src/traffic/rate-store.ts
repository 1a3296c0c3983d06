/** How fast something may happen: `burst` permits at once, and `permits` more in each `perSeconds`. All are whole and positive. */
export interface RateRule {
  readonly permits: number
  readonly perSeconds: number
  readonly burst: number
}

export type RateVerdict =
  | { readonly allowed: true }
  /** Whole seconds, at least one, until as many permits as were asked for will be there. */
  | { readonly allowed: false; readonly retryAfterSeconds: number }

/**
 * Port: counts permits by key.
 *
 * `take` either takes all `cost` permits or none, in one step: of any number of simultaneous callers exactly as many are
 * allowed as there are permits. A key that is not known has a full bucket. Rejects when the store cannot be asked; whoever
 * asks then refuses.
 */
export interface RateStore {
  take(key: string, cost: number, rule: RateRule): RateVerdict | Promise<RateVerdict>
}
