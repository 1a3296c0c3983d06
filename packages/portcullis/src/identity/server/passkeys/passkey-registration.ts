/** Decides which new passkeys an account gets: discoverable, with user verification, made for our site on our own page. */
import type { RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Clock } from '../../../core/clock.ts'
import type { Account } from '../account-store.ts'
import { accountPrincipal } from '../families.ts'
import type { Fields } from '../sign-in-method.ts'
import type { Witness } from '../witness.ts'
import type { PasskeyChallenges } from './passkey-challenge.ts'
import { type PasskeyResponse, passkeyResponse } from './passkey-response.ts'
import type { PasskeySite } from './passkey-site.ts'
import type { Passkey, PasskeyStore } from './passkey-store.ts'

export interface RegistrationParts {
  readonly site: PasskeySite
  readonly challenges: PasskeyChallenges
  readonly passkeys: Pick<PasskeyStore, 'add' | 'ofAccount'>
  readonly witness: Witness
  readonly clock: Clock
}

/** Of one account. */
export const MAX_PASSKEYS = 20
const MAX_LABEL_CHARS = 40
const TIMEOUT_MS = 300_000
/** COSE: Ed25519, ES256, RS256. The last is all that the authenticators of some laptops know. */
const ALGORITHMS = [-8, -7, -257]
/**
 * Formats in which a browser says nothing of the maker, or the new key speaks for itself (WebAuthn §5.1.3). To verify others
 * is to fetch, from inside this house, whatever addresses their certificates name.
 */
const FORMATS: readonly unknown[] = ['none', 'packed']

export class PasskeyRegistration {
  readonly #parts: RegistrationParts

  constructor(parts: RegistrationParts) {
    this.#parts = parts
  }

  get site(): PasskeySite {
    return this.#parts.site
  }

  /** Options for `navigator.credentials.create`, in their JSON form. `about` names the page and whoever it was shown to. */
  async options({ id, name }: Account, about: string): Promise<object> {
    const { site, challenges, passkeys } = this.#parts
    const known = await passkeys.ofAccount(id)
    return {
      challenge: challenges.issue('create', purposeOf(about, id)),
      rp: { id: site.id, name: 'Portcullis' },
      user: { id: Buffer.from(id).toString('base64url'), name, displayName: name },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: known.map((one) => ({ type: 'public-key', id: one.id, transports: one.transports })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      // Who made the authenticator is not asked: nobody here decides by it, and it tells people apart.
      attestation: 'none',
      timeout: TIMEOUT_MS,
    }
  }

  /** The new passkey, not kept yet. Undefined when it is no answer to a question of ours for this account. */
  async prove(account: Account, fields: Fields, about: string): Promise<Passkey | undefined> {
    const response = passkeyResponse(fields.get('response'))
    if (response === undefined) return undefined
    const isOurs = await this.#parts.challenges.spend(response.challenge, 'create', purposeOf(about, account.id))
    return isOurs ? this.#verified(account, response, labelOf(fields.get('label'))) : undefined
  }

  /** False when it is known already, or the account has too many. */
  async keep({ id, tenant }: Account, passkey: Passkey): Promise<boolean> {
    const { passkeys, witness } = this.#parts
    if ((await passkeys.ofAccount(id)).length >= MAX_PASSKEYS) return false
    const facts = { passkey: passkey.id.slice(0, 64), label: passkey.label, synced: passkey.synced }
    await witness.changed(tenant, 'user.passkey-added', accountPrincipal(id), facts)
    return passkeys.add(passkey, MAX_PASSKEYS)
  }

  async #verified({ id: account, tenant }: Account, response: PasskeyResponse, label: string) {
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
    const { decodeAttestationObject, isoBase64URL } = await import('@simplewebauthn/server/helpers')
    const { site, clock } = this.#parts
    const json = response.json as RegistrationResponseJSON
    try {
      const attestation = decodeAttestationObject(isoBase64URL.toBuffer(json.response.attestationObject))
      if (!FORMATS.includes(attestation.get('fmt'))) return undefined
      const { verified, registrationInfo } = await verifyRegistrationResponse({
        response: json,
        expectedChallenge: response.challenge,
        expectedOrigin: site.origin,
        expectedRPID: site.id,
        requireUserVerification: true,
        supportedAlgorithmIDs: ALGORITHMS,
      })
      if (!verified || registrationInfo.credential.id !== response.id) return undefined
      const { credential, credentialDeviceType } = registrationInfo
      return {
        id: credential.id,
        account,
        tenant,
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        transports: response.transports,
        synced: credentialDeviceType === 'multiDevice',
        label,
        createdAt: clock.now(),
      }
    } catch {
      return undefined
    }
  }
}

const purposeOf = (about: string, account: string): string => JSON.stringify([about, account])

const labelOf = (text = ''): string => {
  const label = Array.from(text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').trim())
    .slice(0, MAX_LABEL_CHARS)
    .join('')
  return label === '' ? 'Passkey' : label
}
