/** Decides whether somebody holds a passkey of an account, and is the person for whom it was made. */
import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import type { Clock } from '../../../core/clock.ts'
import type { Exchange } from '../../../core/exchange.ts'
import type { AccountStore } from '../account-store.ts'
import { accountPrincipal } from '../families.ts'
import type { Html } from '../html.ts'
import type { Fields, SignedIn, SignInFormState, SignInMethod } from '../sign-in-method.ts'
import type { Witness } from '../witness.ts'
import type { PasskeyChallenges } from './passkey-challenge.ts'
import { passkeyFields, PASSKEYS_NEED_SCRIPT } from './passkey-form.ts'
import { type PasskeyResponse, passkeyResponse } from './passkey-response.ts'
import type { PasskeySite } from './passkey-site.ts'
import type { Passkey, PasskeyStore } from './passkey-store.ts'
import { html } from '../html.ts'

export interface PasskeySignInParts {
  readonly site: PasskeySite
  readonly challenges: PasskeyChallenges
  readonly passkeys: Pick<PasskeyStore, 'find' | 'use'>
  readonly accounts: Pick<AccountStore, 'findById'>
  readonly witness: Witness
  readonly clock: Clock
  /** No other form stands on the page. */
  readonly only: boolean
}

/** Time for a person to find the key and touch it. */
const TIMEOUT_MS = 300_000

/** Methods by RFC 8176: a key was proved, by somebody present whom the authenticator knows; so two factors. */
const METHODS = ['pop', 'user', 'mfa'] as const
/** Resistant to phishing (OpenID Connect EAP ACR Values 1.0): the browser binds the answer to our origin. */
const CLASS = 'phr'

/** Discoverable credentials: nobody types a name, so nobody can ask which names there are. */
export class PasskeySignIn implements SignInMethod {
  readonly name = 'passkey'
  readonly needsScript = true
  readonly #parts: PasskeySignInParts

  constructor(parts: PasskeySignInParts) {
    this.#parts = parts
  }

  form({ about }: SignInFormState): Html {
    const { site, challenges, only } = this.#parts
    const challenge = challenges.issue('get', about)
    const options = { challenge, rpId: site.id, userVerification: 'required', timeout: TIMEOUT_MS }
    const fields = passkeyFields({
      purpose: 'get',
      options,
      button: 'Sign in with a passkey',
      ...(only ? { primary: true } : { other: true }),
    })
    return only ? html`${fields}${PASSKEYS_NEED_SCRIPT}` : fields
  }

  admits(amr: readonly string[]): boolean {
    return METHODS.every((method) => amr.includes(method))
  }

  async verify(fields: Fields, _exchange: Exchange, about: string): Promise<SignedIn | undefined> {
    const response = passkeyResponse(fields.get('response'))
    // Used up by the first try, whatever it was: an answer that failed cannot be mended and sent again.
    if (response === undefined || !(await this.#parts.challenges.spend(response.challenge, 'get', about)))
      return undefined
    const passkey = await this.#parts.passkeys.find(response.id)
    if (passkey === undefined || !isOf(passkey, response)) return undefined
    const counter = await this.#verified(passkey, response)
    if (counter === undefined) return undefined
    return this.#use(passkey, counter)
  }

  /** The counter that the authenticator shows, once its signature is known to be good. */
  async #verified({ id, publicKey }: Passkey, { challenge, json }: PasskeyResponse): Promise<number | undefined> {
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
    const { site } = this.#parts
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: json as AuthenticationResponseJSON,
        expectedChallenge: challenge,
        expectedOrigin: site.origin,
        expectedRPID: site.id,
        requireUserVerification: true,
        // Compared by the store, at the moment in which it is noted: two at once must not both pass.
        credential: { id, publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')), counter: 0 },
      })
      return verified && authenticationInfo.userVerified ? authenticationInfo.newCounter : undefined
    } catch {
      return undefined
    }
  }

  async #use({ id, account: accountId, tenant, counter: known }: Passkey, counter: number) {
    const { accounts, passkeys, witness, clock } = this.#parts
    const account = await accounts.findById(accountId)
    if (account === undefined || account.disabledAt !== undefined) return undefined
    if (await passkeys.use(id, counter, clock.now())) return { accountId, amr: METHODS, acr: CLASS }
    const facts = { passkey: id.slice(0, 64), counter, known }
    await witness.changed(tenant, 'user.passkey-suspected', accountPrincipal(accountId), facts)
    return undefined
  }
}

/** The authenticator names the account for which the key was made (WebAuthn §7.2, step 6). */
const isOf = ({ account }: Passkey, { userHandle }: PasskeyResponse): boolean =>
  userHandle === Buffer.from(account).toString('base64url')
