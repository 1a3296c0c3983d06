/** Wrapped data keys in a database. Every verb is one statement, so the database makes it atomic. */
import type { DataKey, DataKeyStore } from '../../data-protection/data-key-store.ts'
import type { DataKeyRow } from './schema.ts'
import { ALL, type Database, sql } from './statement.ts'

export class SqlDataKeys implements DataKeyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async add({ tenant, version, wrappedBy, wrapped, createdAt }: DataKey): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      insert into data_key (tenant, version, wrapped_by, wrapped, created_at)
      values (${tenant}, ${version}, ${wrappedBy}, ${wrapped}, ${createdAt})
      on conflict (tenant, version) do nothing`,
      { tenant },
    )
    return changed > 0
  }

  async ofTenant(tenant: string): Promise<readonly DataKey[]> {
    const rows = await this.#db.rows<DataKeyRow>(
      sql`
      select * from data_key where tenant = ${tenant} order by version`,
      { tenant },
    )
    return rows.map((row) => ({
      tenant: row.tenant,
      version: row.version,
      wrappedBy: row.wrapped_by,
      wrapped: row.wrapped,
      createdAt: row.created_at,
    }))
  }

  async tenants(): Promise<readonly string[]> {
    const rows = await this.#db.rows<Pick<DataKeyRow, 'tenant'>>(
      sql`
      select distinct tenant from data_key order by tenant`,
      ALL,
    )
    return rows.map(({ tenant }) => tenant)
  }

  shred(tenant: string): Promise<number> {
    return this.#db.change(sql`delete from data_key where tenant = ${tenant}`, { tenant })
  }
}
