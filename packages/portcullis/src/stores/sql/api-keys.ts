/** API keys in a database. Every verb is one statement, so the database makes it atomic, whoever else is connected. */
import type { ApiKey, ApiKeyStore, ApiKeySuccessor, NewApiKey } from '../../identity/api-key-store.ts'
import type { ApiKeyRow } from './schema.ts'
import { ALL, type Database, list, sql, type Statement } from './statement.ts'

type Row = ApiKeyRow & { readonly replaced_by?: string | null; readonly ends_at?: number | null }

/** Rows written by one statement; SQLite and PostgreSQL both take far more than twice as many parameters. */
const TOUCH_ROWS = 500

const SELECT = sql`
  select key.*, next.id as replaced_by, next.predecessor_ends_at as ends_at
  from api_key as key left join api_key as next on next.replaces = key.id`

export class SqlApiKeys implements ApiKeyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async insert(key: NewApiKey): Promise<void> {
    const upstreams = key.upstreams === undefined ? null : JSON.stringify(key.upstreams)
    await this.#db.change(
      sql`
      insert into api_key (id, digest, tenant, principal, name, roles, upstreams, created_at, expires_at)
      values (${key.id}, ${key.digest}, ${key.tenant}, ${key.principal}, ${key.name},
        ${JSON.stringify(key.roles)}, ${upstreams}, ${key.createdAt}, ${key.expiresAt ?? null})`,
      key,
    )
  }

  /** In two steps: whoever has the digest may know whose key it is, and its successor belongs to that tenant. */
  async findByDigest(digest: string): Promise<ApiKey | undefined> {
    const [owner] = await this.#db.rows<Pick<Row, 'tenant'>>(sql`select tenant from api_key where digest = ${digest}`, {
      named: digest,
    })
    if (owner === undefined) return undefined
    const [row] = await this.#db.rows<Row>(sql`${SELECT} where key.digest = ${digest}`, owner)
    return row && toApiKey(row)
  }

  async revoke(tenant: string, id: string, at: number): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      update api_key set revoked_at = ${at} where tenant = ${tenant} and id = ${id} and revoked_at is null`,
      { tenant },
    )
    return changed > 0
  }

  /** The unique column `replaces` lets one of many win. */
  async replace(tenant: string, id: string, successor: ApiKeySuccessor): Promise<ApiKey | undefined> {
    const { createdAt, predecessorEndsAt } = successor
    const [row] = await this.#db.rows<Row>(
      sql`
      insert into api_key (tenant, principal, name, roles, upstreams,
        id, digest, created_at, expires_at, replaces, predecessor_ends_at)
      select old.tenant, old.principal, old.name, old.roles, old.upstreams,
        ${successor.id}, ${successor.digest}, ${instant(createdAt)}, ${successorExpiry(successor)},
        old.id, ${instant(predecessorEndsAt)}
      from api_key as old
      where old.tenant = ${tenant} and old.id = ${id} and old.revoked_at is null
        and (old.expires_at is null or old.expires_at > ${createdAt})
      on conflict (replaces) do nothing
      returning *`,
      { tenant },
    )
    return row && toApiKey(row)
  }

  async list(tenant: string): Promise<readonly ApiKey[]> {
    const rows = await this.#db.rows<Row>(sql`${SELECT} where key.tenant = ${tenant} order by key.created_at, key.id`, {
      tenant,
    })
    return rows.map(toApiKey)
  }

  async touch(lastUses: ReadonlyMap<string, number>): Promise<void> {
    const uses = [...lastUses]
    for (let at = 0; at < uses.length; at += TOUCH_ROWS) {
      const rows = uses.slice(at, at + TOUCH_ROWS).map(([id, usedAt]) => sql`(${id}, ${instant(usedAt)})`)
      await this.#db.change(
        sql`
        update api_key set last_used_at = used.column2 from (values ${list(rows)}) as used
        where api_key.id = used.column1 and coalesce(api_key.last_used_at, 0) < used.column2`,
        ALL,
      )
    }
  }
}

/** A parameter in a select list has no type of its own in PostgreSQL. */
function instant(at: number): Statement {
  return sql`cast(${at} as bigint)`
}

function successorExpiry({ expiresAt, createdAt }: ApiKeySuccessor): Statement {
  if (expiresAt !== undefined) return instant(expiresAt)
  return sql`${instant(createdAt)} + (old.expires_at - old.created_at)`
}

function toApiKey(row: Row): ApiKey {
  const ends = [row.expires_at, row.ends_at].filter((at) => typeof at === 'number')
  return {
    id: row.id,
    tenant: row.tenant,
    principal: row.principal,
    name: row.name,
    roles: JSON.parse(row.roles) as string[],
    createdAt: row.created_at,
    ...(row.upstreams !== null && { upstreams: JSON.parse(row.upstreams) as string[] }),
    ...(ends.length > 0 && { expiresAt: Math.min(...ends) }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
    ...(typeof row.replaced_by === 'string' && { replacedBy: row.replaced_by }),
  }
}
