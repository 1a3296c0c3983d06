/** The seam for ways to sign in: whatever can prove who somebody is, the pages and the session do not care how. */
import type { Exchange } from '../../core/exchange.ts'
import type { Html } from './html.ts'

/** Who has signed in, and how (`amr` in the words of RFC 8176). */
export interface SignedIn {
  readonly accountId: string
  readonly amr: readonly string[]
}

/** What a form has sent: each field once. */
export type Fields = ReadonlyMap<string, string>

export interface SignInMethod {
  /** Part of a form's address and of audit records. */
  readonly name: string
  /** The inside of its form: labelled controls and a button. `earlier` is what was typed before, `failed` whether it failed. */
  form(state: { readonly earlier?: Fields; readonly failed: boolean }): Html
  /**
   * Undefined for every way to fail, in the same time within noise: nobody learns which part was wrong. Throws
   * `identity.unavailable` when it cannot be told.
   */
  verify(fields: Fields, exchange: Exchange): Promise<SignedIn | undefined>
}
