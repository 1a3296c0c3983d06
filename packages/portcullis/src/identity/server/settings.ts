/** What the authorization server is told: values of the configuration, keys and ports. */
import type { JWK } from 'jose'
import type { Clock } from '../../core/clock.ts'
import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import type { Revocation } from '../revocation-store.ts'
import type { TokenAlgorithm } from '../../core/token-algorithms.ts'
import type { AccountStore } from './account-store.ts'
import type { ReadAssertion } from './assertion/read-assertion.ts'
import type { ClientStore } from './client-store.ts'
import type { GrantStore } from './grant-store.ts'
import type { PasskeyRegistration } from './passkeys/passkey-registration.ts'
import type { PasskeyStore } from './passkeys/passkey-store.ts'
import type { AccountLinkStore } from './providers/account-link-store.ts'
import type { OutsideProvider } from './providers/outside-provider.ts'
import type { ProviderAccounts } from './providers/provider-accounts.ts'
import type { SignInMethod } from './sign-in-method.ts'
import type { Witness } from './witness.ts'

/** Path of the server below the gateway's origin; the issuer ends with it. */
export const MOUNT_PATH = '/auth'

export interface ServerKeys {
  /** Private ES256 keys, the one that signs first; tokens of the others are still accepted. */
  readonly signing: readonly JWK[]
  /** Signs cookies and form tokens. */
  readonly cookies: string
  /** 32 bytes for the nonces of DPoP. */
  readonly nonces: Buffer
}

/** Seconds. */
export interface Lifetimes {
  readonly accessToken: number
  /** A refresh token that is not used for so long is worth nothing. */
  readonly refreshIdle: number
  /** However often it is refreshed, after this a person has to consent again. */
  readonly grant: number
  readonly session: number
}

/** Which clients may introduce themselves by a document at an https URL (CIMD). No host, no such client. */
export interface ClientDocuments {
  /** Host names, or `*` for every public one. */
  readonly hosts: readonly string[]
  readonly fetch: GuardedFetch
}

export interface ServerSettings {
  readonly issuer: string
  /** Resource identifier → its name for people. The first is the one of a client that names none. */
  readonly resources: ReadonlyMap<string, string>
  /** Scope → what it permits, as a sentence for people. The first is that of a client that asks for none. */
  readonly scopes: ReadonlyMap<string, string>
  /** Resource → the only scopes that it knows, which no other resource does. Every other resource knows all the rest. */
  readonly ownScopes?: ReadonlyMap<string, readonly string[]>
  readonly lifetimes: Lifetimes
  readonly keys: ServerKeys
  readonly documents: ClientDocuments
  /** Absent: no client may register itself (RFC 7591). */
  readonly registration?: { readonly tenant: string; readonly maxClients: number }
  /** Absent: identity assertions of others are not taken. */
  readonly assertions?: {
    readonly read: ReadAssertion
    /** Which subject of an issuer is which account. */
    readonly links: Pick<AccountLinkStore, 'find'>
    /** Whether a client may present one that nobody can prove to be. */
    readonly publicClients: boolean
    /** Of proofs that bind a token to a key (RFC 9449). */
    readonly proofAlgorithms: readonly TokenAlgorithm[]
  }
  readonly accounts: AccountStore
  readonly clients: ClientStore
  readonly grants: GrantStore
  readonly revocations: { revoke(revocation: Revocation): Promise<void> }
  readonly methods: readonly SignInMethod[]
  /** Absent: no passkeys are made. */
  readonly passkeys?: { readonly registration: PasskeyRegistration; readonly store: PasskeyStore }
  /** Absent: nobody signs in elsewhere. */
  readonly outside?: {
    readonly providers: readonly OutsideProvider[]
    readonly people: ProviderAccounts
    readonly links: AccountLinkStore
  }
  readonly clock: Clock
  readonly witness: Witness
}
