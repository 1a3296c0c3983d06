/** What a verification has proved, in the form in which it is remembered. */
import type { Authenticated } from '../core/principal.ts'
import type { Binding } from './binding.ts'

export interface Verified {
  /** Handed to the pipeline as it is: the hot path allocates nothing. */
  readonly facts: Authenticated
  /** Resources that the credential was issued for; absent when it is good for every resource of this gateway. */
  readonly audiences?: readonly string[]
  /** Milliseconds since the epoch; absent when it does not expire. */
  readonly expiresAt?: number
  /** Milliseconds since the epoch; absent when a token does not say, and of what is no token. */
  readonly issuedAt?: number
  /** What the caller has to prove beside it with each request; absent when whoever holds the credential may use it. */
  readonly binding?: Binding
  /** Seconds for which it may be remembered, where its issuer can end it without telling us. */
  readonly rememberSeconds?: number
  /** Id of the API key, whose use is noted. */
  readonly keyId?: string
}
