/** API keys in a database. Every verb is one statement, so the database makes it atomic, whoever else is connected. */
import { type Kysely, type Selectable, sql } from 'kysely'
import type { ApiKey, ApiKeyStore, ApiKeySuccessor, NewApiKey } from '../../identity/api-key-store.ts'
import type { ApiKeyTable, Tables } from './schema.ts'

type Row = Selectable<ApiKeyTable> & { readonly replaced_by?: string | null; readonly ends_at?: number | null }

/** Rows written by one statement; SQLite and PostgreSQL both take far more than twice as many parameters. */
const TOUCH_ROWS = 500

/** In the order in which `replace` selects them. */
const SUCCESSOR_COLUMNS = [
  ...(['tenant', 'principal', 'name', 'roles', 'upstreams'] as const),
  ...(['id', 'digest', 'created_at', 'expires_at', 'replaces', 'predecessor_ends_at'] as const),
] satisfies (keyof ApiKeyTable)[]

export class SqlApiKeys implements ApiKeyStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async insert(key: NewApiKey): Promise<void> {
    const { id, digest, tenant, principal, name } = key
    const row = {
      ...{ id, digest, tenant, principal, name },
      roles: JSON.stringify(key.roles),
      upstreams: key.upstreams === undefined ? null : JSON.stringify(key.upstreams),
      created_at: key.createdAt,
      expires_at: key.expiresAt ?? null,
    }
    await this.#db.insertInto('api_key').values(row).execute()
  }

  async findByDigest(digest: string): Promise<ApiKey | undefined> {
    const row = await this.#select().where('key.digest', '=', digest).executeTakeFirst()
    return row && toApiKey(row)
  }

  async revoke(tenant: string, id: string, at: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('api_key')
      .set({ revoked_at: at })
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /** The unique column `replaces` lets one of many win. */
  async replace(tenant: string, id: string, successor: ApiKeySuccessor): Promise<ApiKey | undefined> {
    const { createdAt, predecessorEndsAt } = successor
    const row = await this.#db
      .insertInto('api_key')
      .columns(SUCCESSOR_COLUMNS)
      .expression((eb) =>
        eb
          .selectFrom('api_key as old')
          .select(['old.tenant', 'old.principal', 'old.name', 'old.roles', 'old.upstreams'])
          .select([sql`${successor.id}`.as('id'), sql`${successor.digest}`.as('digest')])
          .select([instant(createdAt).as('created_at'), successorExpiry(successor).as('expires_at')])
          .select(['old.id as replaces', instant(predecessorEndsAt).as('predecessor_ends_at')])
          .where('old.tenant', '=', tenant)
          .where('old.id', '=', id)
          .where('old.revoked_at', 'is', null)
          .where((old) => old.or([old('old.expires_at', 'is', null), old('old.expires_at', '>', createdAt)])),
      )
      .onConflict((conflict) => conflict.column('replaces').doNothing())
      .returningAll()
      .executeTakeFirst()
    return row && toApiKey(row)
  }

  async list(tenant: string): Promise<readonly ApiKey[]> {
    const rows = await this.#select()
      .where('key.tenant', '=', tenant)
      .orderBy('key.created_at')
      .orderBy('key.id')
      .execute()
    return rows.map(toApiKey)
  }

  async touch(lastUses: ReadonlyMap<string, number>): Promise<void> {
    const uses = [...lastUses]
    for (let at = 0; at < uses.length; at += TOUCH_ROWS) {
      const rows = uses.slice(at, at + TOUCH_ROWS).map(([id, usedAt]) => sql`(${id}, ${instant(usedAt)})`)
      await sql`update api_key set last_used_at = used.column2 from (values ${sql.join(rows)}) as used
        where api_key.id = used.column1 and coalesce(api_key.last_used_at, 0) < used.column2`.execute(this.#db)
    }
  }

  #select() {
    return this.#db
      .selectFrom('api_key as key')
      .leftJoin('api_key as next', 'next.replaces', 'key.id')
      .selectAll('key')
      .select(['next.id as replaced_by', 'next.predecessor_ends_at as ends_at'])
  }
}

/** A parameter in a select list has no type of its own in PostgreSQL. */
function instant(at: number) {
  return sql<number>`cast(${at} as bigint)`
}

function successorExpiry({ expiresAt, createdAt }: ApiKeySuccessor) {
  if (expiresAt !== undefined) return instant(expiresAt)
  return sql<number | null>`${instant(createdAt)} + (old.expires_at - old.created_at)`
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
