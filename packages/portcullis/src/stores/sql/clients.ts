/** OAuth clients in a database. Every verb is one statement, so the database makes it atomic. */
import type { ClientChange, ClientStore, OAuthClient } from '../../identity/server/client-store.ts'
import type { OAuthClientRow } from './schema.ts'
import { ALL, type Database, sql } from './statement.ts'

export class SqlClients implements ClientStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async insert(client: OAuthClient): Promise<boolean> {
    const { id, tenant, name, metadata, secretDigest = null, roles, origin, createdAt } = client
    const changed = await this.#db.change(
      sql`
      insert into oauth_client (id, tenant, name, metadata, secret_digest, roles, origin, created_at)
      values (${id}, ${tenant}, ${name}, ${metadata}, ${secretDigest}, ${JSON.stringify(roles)}, ${origin}, ${createdAt})
      on conflict do nothing`,
      { tenant },
    )
    return changed > 0
  }

  async find(id: string): Promise<OAuthClient | undefined> {
    const [row] = await this.#db.rows<OAuthClientRow>(sql`select * from oauth_client where id = ${id}`, {
      named: id,
    })
    return row && toClient(row)
  }

  async list(tenant: string): Promise<readonly OAuthClient[]> {
    const rows = await this.#db.rows<OAuthClientRow>(
      sql`
      select * from oauth_client where tenant = ${tenant} order by created_at, id`,
      { tenant },
    )
    return rows.map(toClient)
  }

  /** What is not to be changed keeps its column. */
  async update(tenant: string, id: string, { secretDigest, disabledAt }: ClientChange): Promise<boolean> {
    const changed = await this.#db.change(
      sql`update oauth_client set
      secret_digest = coalesce(${secretDigest ?? null}, secret_digest),
      disabled_at = ${disabledAt === undefined ? sql`disabled_at` : sql`${disabledAt}`}
      where tenant = ${tenant} and id = ${id}`,
      { tenant },
    )
    return changed > 0
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return (
      (await this.#db.change(sql`delete from oauth_client where tenant = ${tenant} and id = ${id}`, { tenant })) > 0
    )
  }

  async countRegistered(): Promise<number> {
    const [row] = await this.#db.rows<{ readonly clients: number }>(
      sql`
      select count(*) as clients from oauth_client where origin = 'registration'`,
      ALL,
    )
    return row?.clients ?? 0
  }
}

function toClient(row: OAuthClientRow): OAuthClient {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    metadata: row.metadata,
    roles: JSON.parse(row.roles) as string[],
    origin: row.origin,
    createdAt: row.created_at,
    ...(row.secret_digest !== null && { secretDigest: row.secret_digest }),
    ...(row.disabled_at !== null && { disabledAt: row.disabled_at }),
  }
}
