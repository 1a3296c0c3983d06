/** The tables as the SQL drivers share them. Instants are milliseconds since the epoch; lists are JSON text. */
import type { GeneratedAlways } from 'kysely'
import type { Revocation } from '../../identity/revocation-store.ts'

export interface ApiKeyTable {
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

export interface RevocationTable {
  readonly sequence: GeneratedAlways<number>
  readonly kind: Revocation['kind']
  readonly tenant: string
  readonly id: string
  readonly starts_at: number
  readonly ends_at: number
  readonly reason: string
}

export interface Tables {
  readonly api_key: ApiKeyTable
  readonly revocation: RevocationTable
}
