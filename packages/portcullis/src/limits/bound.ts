import { Cancellation } from '../core/cancellation.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Check } from '../core/pipeline.ts'

/** Gives each exchange the one Cancellation that ends its work, whoever asks for the end. */
export interface Bounded {
  /** Fires on the deadline, on shutdown, and when the client leaves if its era says so. Upstreams listen to this alone. */
  readonly cancellation: Cancellation
}

/** `limits.deadline`, which follows it, fires it and cleans up after it. */
export const bound: Check<Exchange, Bounded> = {
  name: 'limits.bound',
  check: () => ({ cancellation: new Cancellation() }),
}
