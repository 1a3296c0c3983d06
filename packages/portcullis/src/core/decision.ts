/** What the policy said about one exchange, and why. */
export interface Decision {
  readonly effect: 'allow' | 'deny'
  /** Ids of the deciding policies; empty when nothing allowed it. */
  readonly policies: readonly string[]
  /** Digest of the whole policy set in force. */
  readonly revision: string
}

/** Fact of `policy.authorize`. Nothing reaches an upstream without it. */
export interface Authorized {
  readonly decision: Decision
}
