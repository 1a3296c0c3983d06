/** The seam for ways to sign in: whatever can prove who somebody is, the pages and the session do not care how. */
import type { Exchange } from '../../core/exchange.ts'
import type { Html } from './html.ts'

/** Who has signed in, and how (`amr` in the words of RFC 8176, `acr` by OpenID Connect Core §2). */
export interface SignedIn {
  readonly accountId: string
  readonly amr: readonly string[]
  /** Absent where no class is claimed. */
  readonly acr?: string
  /** The outside provider that has vouched for them. */
  readonly issuer?: string
}

/** The method of everybody for whom an outside provider has vouched. */
export const FEDERATED = 'fed'

/** What a form has sent: each field once. */
export type Fields = ReadonlyMap<string, string>

export interface SignInFormState {
  /** What was typed before. */
  readonly earlier?: Fields
  readonly failed: boolean
  /** The page, and whoever it is shown to: what is made for it is good nowhere else. */
  readonly about: string
}

export interface SignInMethod {
  /** Part of a form's address and of audit records. */
  readonly name: string
  /** Its form works only with the script of our pages. */
  readonly needsScript?: boolean
  /** The inside of its form: labelled controls and a button. */
  form(state: SignInFormState): Html
  /** Whether somebody who has signed in by these methods would still be let in by this one. */
  admits(amr: readonly string[]): boolean
  /**
   * Undefined for every way to fail, in the same time within noise: nobody learns which part was wrong. Throws
   * `identity.unavailable` when it cannot be told.
   */
  verify(fields: Fields, exchange: Exchange, about: string): Promise<SignedIn | undefined>
}
