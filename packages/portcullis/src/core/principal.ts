/** Whoever is behind a request, once that has been proved. */
export interface Principal {
  /** Stable inside the tenant, such as `key:ab12…` or `https://issuer|subject`. */
  readonly id: string
  readonly tenant: string
  readonly roles: readonly string[]
  readonly credential: Credential
  /** Names of the upstreams that the credential is limited to; absent when it is not limited. */
  readonly upstreams?: readonly string[]
  /** OAuth scopes of the token; absent for credentials that have none. */
  readonly scopes?: readonly string[]
}

/** `opaque` is a token that its issuer explains to us (RFC 7662), `certificate` a client certificate of TLS. */
export type CredentialKind = 'api-key' | 'jwt' | 'opaque' | 'certificate'

/** What proved it. Never the credential itself. */
export interface Credential {
  readonly kind: CredentialKind
  /** Public id: the key's id, or the token's `jti` or digest. A revocation names it. */
  readonly id: string
  /** The OAuth client that a token was issued to; that of an outside issuer as `https://issuer|client`. Absent where none is named. */
  readonly client?: string
  /** Milliseconds since the epoch after which it is worth nothing. */
  readonly expiresAt?: number
  /** What the caller proved to hold beside it: a key (RFC 9449), a certificate (RFC 8705), or both; absent for a bearer. */
  readonly bound?: 'key' | 'certificate' | 'key-and-certificate'
  /** Authentication context class that the issuer vouched for (`acr`, OpenID Connect Core §2); absent when it named none. */
  readonly acr?: string
  /** How the holder signed in, by the issuer's word (`amr`, RFC 8176), such as `pwd` and `mfa`. */
  readonly amr?: readonly string[]
}

/** Fact of `identity.authenticate`. */
export interface Authenticated {
  readonly principal: Principal
  /** The nonce that the caller's next proof should carry (RFC 9449 §8.2); absent when the one it used is the newest. */
  readonly freshNonce?: string
}
