/**
 * The arithmetic of the limits, the same in every store. A debt is permits times the period in milliseconds, so that all
 * of it is done in whole numbers and is exact (below 2^53: ten million permits times a day).
 */
import type { RateRule } from './rate-store.ts'

/** What is still owed after some milliseconds. A clock that was set back earns nothing and costs nothing. */
export const owedAfter = (debt: number, elapsedMs: number, { permits }: RateRule): number =>
  Math.max(0, debt - Math.max(0, elapsedMs) * permits)

/** What so many permits add to the debt. */
export const priceOf = (cost: number, { perSeconds }: RateRule): number => cost * perSeconds * 1_000

/** Milliseconds until the price can be owed on top of the debt; 0 when it can be now, and endless when it never can. */
export function waitMs(debt: number, price: number, { permits, perSeconds, burst }: RateRule): number {
  const most = burst * perSeconds * 1_000
  return debt + price <= most ? 0 : (debt + price - most) / permits
}

export const retryAfter = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000))
