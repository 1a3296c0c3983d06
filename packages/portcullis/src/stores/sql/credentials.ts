/** Sealed credentials for upstreams in a database. Every verb is one statement, so the database makes it atomic. */
import type { CredentialStore, VaultEntry, VaultName } from '../../data-protection/vault/credential-store.ts'
import type { UpstreamCredentialRow } from './schema.ts'
import { type Database, sql, type Statement } from './statement.ts'

export class SqlCredentials implements CredentialStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(name: VaultName): Promise<VaultEntry | undefined> {
    const [row] = await this.#db.rows<UpstreamCredentialRow>(
      sql`
      select * from upstream_credential where ${named(name)}`,
      name,
    )
    return row && toEntry(row)
  }

  async put(entry: VaultEntry): Promise<void> {
    await this.#db.change(
      sql`
      insert into upstream_credential (tenant, upstream, principal, kind, sealed, revision, updated_at)
      values (${entry.tenant}, ${entry.upstream}, ${entry.principal ?? ''}, ${entry.kind},
        ${entry.sealed}, ${entry.revision}, ${entry.updatedAt})
      on conflict (tenant, upstream, principal, kind) do update set
        sealed = excluded.sealed, revision = excluded.revision, updated_at = excluded.updated_at`,
      entry,
    )
  }

  async replace(entry: VaultEntry, revision: string): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      update upstream_credential
      set sealed = ${entry.sealed}, revision = ${entry.revision}, updated_at = ${entry.updatedAt}
      where ${named(entry)} and revision = ${revision}`,
      entry,
    )
    return changed > 0
  }

  async remove(name: VaultName, revision?: string): Promise<boolean> {
    const only = revision === undefined ? sql`` : sql` and revision = ${revision}`
    return (await this.#db.change(sql`delete from upstream_credential where ${named(name)}${only}`, name)) > 0
  }

  async list(tenant: string): Promise<readonly VaultEntry[]> {
    const rows = await this.#db.rows<UpstreamCredentialRow>(
      sql`
      select * from upstream_credential where tenant = ${tenant} order by upstream, principal, kind`,
      { tenant },
    )
    return rows.map(toEntry)
  }

  removeAll(tenant: string, principal?: string): Promise<number> {
    const only = principal === undefined ? sql`` : sql` and principal = ${principal}`
    return this.#db.change(sql`delete from upstream_credential where tenant = ${tenant}${only}`, { tenant })
  }
}

/** No principal is the empty text, because a null is equal to nothing in a key. */
const named = ({ tenant, upstream, principal, kind }: VaultName): Statement =>
  sql`tenant = ${tenant} and upstream = ${upstream} and principal = ${principal ?? ''} and kind = ${kind}`

function toEntry(row: UpstreamCredentialRow): VaultEntry {
  return {
    tenant: row.tenant,
    upstream: row.upstream,
    ...(row.principal !== '' && { principal: row.principal }),
    kind: row.kind,
    sealed: row.sealed,
    revision: row.revision,
    updatedAt: row.updated_at,
  }
}
