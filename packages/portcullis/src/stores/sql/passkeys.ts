/** Passkeys in a database. Every verb is one statement, so the database makes it atomic. */
import type { Passkey, PasskeyStore } from '../../identity/server/passkeys/passkey-store.ts'
import type { PasskeyRow } from './schema.ts'
import { type Database, sql } from './statement.ts'

export class SqlPasskeys implements PasskeyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async add(passkey: Passkey, most: number): Promise<boolean> {
    const { id, account, tenant, publicKey, counter, transports, synced, label, createdAt, lastUsedAt = null } = passkey
    const changed = await this.#db.change(
      sql`
      insert into passkey (id, account, tenant, public_key, counter, transports, synced, label, created_at, last_used_at)
      select ${id}, ${account}, ${tenant}, ${publicKey}, cast(${counter} as bigint), ${JSON.stringify(transports)},
        cast(${synced ? 1 : 0} as integer), ${label}, cast(${createdAt} as bigint), cast(${lastUsedAt} as bigint)
      where (select count(*) from passkey where account = ${account}) < cast(${most} as integer)
      on conflict do nothing`,
      { tenant, alone: `passkeys ${account}` },
    )
    return changed > 0
  }

  async find(id: string): Promise<Passkey | undefined> {
    const [row] = await this.#db.rows<PasskeyRow>(sql`select * from passkey where id = ${id}`, { named: id })
    return row && toPasskey(row)
  }

  async ofAccount(account: string): Promise<readonly Passkey[]> {
    const rows = await this.#db.rows<PasskeyRow>(
      sql`
      select * from passkey where account = ${account} order by created_at, id`,
      { named: account },
    )
    return rows.map(toPasskey)
  }

  async use(id: string, counter: number, at: number): Promise<boolean> {
    const grown = counter === 0 ? sql`counter = 0` : sql`counter < ${counter}`
    const changed = await this.#db.change(
      sql`
      update passkey set counter = ${counter}, last_used_at = ${at} where id = ${id} and ${grown}`,
      { named: id },
    )
    return changed > 0
  }

  async remove(account: string, id: string): Promise<boolean> {
    return (
      (await this.#db.change(sql`delete from passkey where account = ${account} and id = ${id}`, { named: account })) >
      0
    )
  }

  removeAccount(account: string): Promise<number> {
    return this.#db.change(sql`delete from passkey where account = ${account}`, { named: account })
  }
}

function toPasskey(row: PasskeyRow): Passkey {
  return {
    id: row.id,
    account: row.account,
    tenant: row.tenant,
    publicKey: row.public_key,
    counter: row.counter,
    transports: JSON.parse(row.transports) as string[],
    synced: row.synced !== 0,
    label: row.label,
    createdAt: row.created_at,
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
  }
}
