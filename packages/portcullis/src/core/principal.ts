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

/** What proved it. Never the credential itself. */
export interface Credential {
  readonly kind: 'api-key' | 'jwt'
  /** Public id: the key's id, or the token's `jti` or digest. A revocation names it. */
  readonly id: string
  /** Milliseconds since the epoch after which it is worth nothing. */
  readonly expiresAt?: number
}

/** Fact of `identity.authenticate`. */
export interface Authenticated {
  readonly principal: Principal
}
