/** Decides how long a revocation of tokens has to hold: until the last of them has expired, by any clock. */

const SLACK_MS = 60_000

/** Milliseconds since the epoch, for tokens that were issued until `now`. */
export const lastTokenEnds = (now: number, accessTokenSeconds: number): number =>
  now + accessTokenSeconds * 1000 + SLACK_MS
