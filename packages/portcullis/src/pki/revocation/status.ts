/** What an authority says of a certificate that it has issued. */
export type Status =
  | { readonly is: 'good' }
  /** `at` in milliseconds since the epoch, `reason` a CRLReason (RFC 5280 §5.3.1). */
  | { readonly is: 'revoked'; readonly at: number; readonly reason: number }

/** Clocks of authorities and ours may differ by this. */
export const SKEW_MS = 300_000
