/** What the record of an alert can say: who behaves unusually, how much, why, and what followed. */

/** Somebody or something behaves as it never did. */
export interface AlertBody {
  readonly kind: 'alert'
  /** `low`, `medium`, `high` or `critical`. */
  readonly level: string
  /** From 0 to 100. */
  readonly score: number
  readonly subject: { readonly kind: 'principal' | 'tool' | 'tenant' | 'network'; readonly name: string }
  /** The subject, when it is one. */
  readonly principal?: string
  /** The heaviest first; a count fades over its window. */
  readonly reasons: readonly {
    readonly reason: string
    readonly observed: number
    readonly expected: number
    readonly weight: number
    readonly windowSeconds?: number
  }[]
  /** `alert`, `ask`, `throttle` or `block`. */
  readonly answer: string
  /** How often it happened since the record before of the same subject and reason, this time included. */
  readonly count: number
  /** Of the request that raised it. */
  readonly incident?: string
  /** Milliseconds since the epoch; present when the answer restricts. */
  readonly untilMs?: number
}
