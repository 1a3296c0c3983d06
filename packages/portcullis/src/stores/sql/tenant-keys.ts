/** Wrapped tenant keys in a database of their own. Every verb is one statement, so the database makes it atomic. */
import type { WrappedKey } from '../../data-protection/key-encryption.ts'
import type { TenantKey, TenantKeyStore } from '../../data-protection/tenant-key-store.ts'
import { ALL, type Database, sql } from './statement.ts'

interface TenantKeyRow {
  readonly tenant: string
  readonly id: string
  readonly wrapped_by: string
  readonly wrapped: string
  readonly created_at: number
}

export class SqlTenantKeys implements TenantKeyStore {
  readonly #db: Database
  readonly #scour: () => Promise<void>

  /** `scour` removes what a database leaves of removed rows. */
  constructor(db: Database, scour: () => Promise<void>) {
    this.#db = db
    this.#scour = scour
  }

  async add({ tenant, id, wrappedBy, wrapped, createdAt }: TenantKey): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      insert into tenant_key (tenant, id, wrapped_by, wrapped, created_at)
      values (${tenant}, ${id}, ${wrappedBy}, ${wrapped}, ${createdAt})
      on conflict (tenant) do nothing`,
      { tenant },
    )
    return changed > 0
  }

  async find(tenant: string): Promise<TenantKey | undefined> {
    const [row] = await this.#db.rows<TenantKeyRow>(sql`select * from tenant_key where tenant = ${tenant}`, {
      tenant,
    })
    return row && toKey(row)
  }

  async list(): Promise<readonly TenantKey[]> {
    return (await this.#db.rows<TenantKeyRow>(sql`select * from tenant_key order by tenant`, ALL)).map(toKey)
  }

  async rewrap(old: TenantKey, { wrappedBy, wrapped }: WrappedKey): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      update tenant_key set wrapped_by = ${wrappedBy}, wrapped = ${wrapped}
      where tenant = ${old.tenant} and id = ${old.id} and wrapped = ${old.wrapped}`,
      old,
    )
    return changed > 0
  }

  /** Scours also where nothing is left to remove: the process may have ended between the two. */
  async shred(tenant: string): Promise<boolean> {
    const changed = await this.#db.change(sql`delete from tenant_key where tenant = ${tenant}`, { tenant })
    await this.#scour()
    return changed > 0
  }
}

const toKey = (row: TenantKeyRow): TenantKey => ({
  tenant: row.tenant,
  id: row.id,
  wrappedBy: row.wrapped_by,
  wrapped: row.wrapped,
  createdAt: row.created_at,
})
