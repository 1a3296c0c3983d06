/** What a verification has proved, in the form in which it is remembered. */
import type { Authenticated } from '../core/principal.ts'

export interface Verified {
  /** Handed to the pipeline as it is: the hot path allocates nothing. */
  readonly facts: Authenticated
  /** Resources that the credential was issued for; absent when it is good for every resource of this gateway. */
  readonly audiences?: readonly string[]
  /** Milliseconds since the epoch; absent when it does not expire. */
  readonly expiresAt?: number
  /** Id of the API key, whose use is noted. */
  readonly keyId?: string
}
