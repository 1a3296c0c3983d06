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
