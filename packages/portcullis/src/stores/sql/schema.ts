/** The rows as the SQL drivers share them. Instants are milliseconds since the epoch; lists are JSON text. */

export interface ApiKeyRow {
  readonly id: string
  readonly digest: string
  readonly tenant: string
  readonly principal: string
  readonly name: string
  readonly roles: string
  readonly upstreams: string | null
  readonly created_at: number
  readonly expires_at: number | null
  readonly revoked_at: number | null
  readonly last_used_at: number | null
  /** The key whose place it takes; unique, so that a key has one successor. */
  readonly replaces: string | null
  /** When the key in `replaces` stops working. */
  readonly predecessor_ends_at: number | null
}

export interface GrantEntryRow {
  readonly kind: string
  readonly digest: string
  readonly payload: string
  readonly expires_at: number
  readonly family: string | null
  readonly account: string | null
  readonly alias: string | null
  readonly consumed_at: number | null
}

export interface AccountRow {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly roles: string
  readonly password: string | null
  readonly totp: string | null
  readonly created_at: number
  readonly disabled_at: number | null
  readonly failures: number
  readonly locked_until: number
  /** Time step of the last one-time code that was used. */
  readonly totp_step: number
}

export interface DataKeyRow {
  readonly tenant: string
  readonly version: number
  readonly wrapped_by: string
  readonly wrapped: string
  readonly created_at: number
}

export interface UpstreamCredentialRow {
  readonly tenant: string
  readonly upstream: string
  /** Empty for the tenant's own. */
  readonly principal: string
  readonly kind: 'static' | 'oauth' | 'client'
  readonly sealed: string
  readonly revision: string
  readonly updated_at: number
}

export interface PasskeyRow {
  readonly id: string
  readonly account: string
  readonly tenant: string
  readonly public_key: string
  readonly counter: number
  readonly transports: string
  readonly synced: number
  readonly label: string
  readonly created_at: number
  readonly last_used_at: number | null
}

export interface AccountLinkRow {
  readonly issuer: string
  readonly subject: string
  readonly account: string
  readonly tenant: string
  readonly origin: 'operator' | 'provider'
  readonly created_at: number
}

export interface OAuthClientRow {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly metadata: string
  readonly secret_digest: string | null
  readonly roles: string
  readonly origin: 'operator' | 'registration'
  readonly created_at: number
  readonly disabled_at: number | null
}
