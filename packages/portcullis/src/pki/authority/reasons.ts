/** Why a certificate is revoked (CRLReason, RFC 5280 §5.3.1), by the words of the command line. */

/**
 * `certificateHold` and `removeFromCRL` are not offered: what was revoked here stays so, and whoever needs the certificate again
 * issues another one.
 */
export const REASONS = {
  unspecified: 0,
  'key-compromise': 1,
  'ca-compromise': 2,
  'affiliation-changed': 3,
  superseded: 4,
  'cessation-of-operation': 5,
  'privilege-withdrawn': 9,
} as const

export type ReasonWord = keyof typeof REASONS

export const REASON_WORDS = Object.keys(REASONS) as readonly ReasonWord[]

/** The word of a CRLReason; `unspecified` for one that we never write. */
export const reasonWord = (reason: number): ReasonWord =>
  REASON_WORDS.find((word) => REASONS[word] === reason) ?? 'unspecified'
