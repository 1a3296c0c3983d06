/** What the authorization server keeps, in a database. Every verb is one statement, so the database makes it atomic. */
import type { GrantEntry, GrantStore, StoredGrantEntry } from '../../identity/server/grant-store.ts'
import type { GrantEntryRow } from './schema.ts'
import { ALL, type Database, list, sql, type Statement } from './statement.ts'

/** SQLite and PostgreSQL both take far more parameters. */
const ACCOUNTS_AT_ONCE = 500

export class SqlGrants implements GrantStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async put(entry: GrantEntry): Promise<void> {
    const written = sql`${inserted(entry)} on conflict (kind, digest) do update set
      payload = excluded.payload, expires_at = excluded.expires_at,
      family = coalesce(excluded.family, grant_entry.family),
      account = coalesce(excluded.account, grant_entry.account),
      alias = coalesce(excluded.alias, grant_entry.alias)`
    await this.#db.change(written, { named: entry.digest })
  }

  async add(entry: GrantEntry): Promise<boolean> {
    const added = sql`${inserted(entry)} on conflict (kind, digest) do nothing`
    return (await this.#db.change(added, { named: entry.digest })) > 0
  }

  async find(kind: string, digest: string): Promise<StoredGrantEntry | undefined> {
    const found = sql`select * from grant_entry where kind = ${kind} and digest = ${digest}`
    const [row] = await this.#db.rows<GrantEntryRow>(found, { named: digest })
    return row && toEntry(row)
  }

  async findByAlias(kind: string, alias: string): Promise<StoredGrantEntry | undefined> {
    const found = sql`select * from grant_entry where kind = ${kind} and alias = ${alias} limit 1`
    const [row] = await this.#db.rows<GrantEntryRow>(found, { named: alias })
    return row && toEntry(row)
  }

  async consume(kind: string, digest: string, at: number): Promise<boolean> {
    const consumed = sql`
      update grant_entry set consumed_at = ${at} where kind = ${kind} and digest = ${digest} and consumed_at is null`
    return (await this.#db.change(consumed, { named: digest })) > 0
  }

  async remove(kind: string, digest: string): Promise<StoredGrantEntry | undefined> {
    const removed = sql`delete from grant_entry where kind = ${kind} and digest = ${digest} returning *`
    const [row] = await this.#db.rows<GrantEntryRow>(removed, { named: digest })
    return row && toEntry(row)
  }

  removeGrant(grant: string): Promise<number> {
    return this.#db.change(sql`delete from grant_entry where family = ${grant}`, { named: grant })
  }

  async removeAccount(account: string): Promise<readonly StoredGrantEntry[]> {
    const removed = sql`delete from grant_entry where account = ${account} returning *`
    const rows = await this.#db.rows<GrantEntryRow>(removed, { named: account })
    return rows.map(toEntry).toSorted(byKindAndDigest)
  }

  async ofAccounts(accounts: readonly string[]): Promise<readonly StoredGrantEntry[]> {
    const found: StoredGrantEntry[] = []
    for (let at = 0; at < accounts.length; at += ACCOUNTS_AT_ONCE) {
      const some = accounts.slice(at, at + ACCOUNTS_AT_ONCE)
      const named = list(some.map((account) => sql`${account}`))
      const rows = await this.#db.rows<GrantEntryRow>(sql`select * from grant_entry where account in (${named})`, {
        named: some.join('\n'),
      })
      found.push(...rows.map(toEntry))
    }
    return found.toSorted(byKindAndDigest)
  }

  async count(kind: string): Promise<number> {
    const counted = sql`select count(*) as n from grant_entry where kind = ${kind}`
    const [row] = await this.#db.rows<{ readonly n: number }>(counted, ALL)
    return row?.n ?? 0
  }

  sweep(now: number): Promise<number> {
    return this.#db.change(sql`delete from grant_entry where expires_at <= ${now}`, ALL)
  }
}

const byKindAndDigest = (a: StoredGrantEntry, b: StoredGrantEntry): number =>
  `${a.kind}\n${a.digest}` < `${b.kind}\n${b.digest}` ? -1 : 1

function inserted({ kind, digest, payload, expiresAt, grant, account, alias }: GrantEntry): Statement {
  return sql`insert into grant_entry (kind, digest, payload, expires_at, family, account, alias)
    values (${kind}, ${digest}, ${payload}, ${expiresAt}, ${grant ?? null}, ${account ?? null}, ${alias ?? null})`
}

function toEntry(row: GrantEntryRow): StoredGrantEntry {
  return {
    kind: row.kind,
    digest: row.digest,
    payload: row.payload,
    expiresAt: row.expires_at,
    ...(row.family !== null && { grant: row.family }),
    ...(row.account !== null && { account: row.account }),
    ...(row.alias !== null && { alias: row.alias }),
    ...(row.consumed_at !== null && { consumedAt: row.consumed_at }),
  }
}
