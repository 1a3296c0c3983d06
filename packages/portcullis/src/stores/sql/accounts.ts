/** Local accounts in a database. Every verb is one statement, so the database makes it atomic. */
import type { Account, AccountChange, AccountStore, NewAccount } from '../../identity/server/account-store.ts'
import type { AccountRow } from './schema.ts'
import { type Database, type Reach, sql, type Statement } from './statement.ts'

export class SqlAccounts implements AccountStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async insert(account: NewAccount): Promise<boolean> {
    const { id, tenant, name, roles, password = null, totp = null, createdAt, disabledAt = null } = account
    const changed = await this.#db.change(
      sql`
      insert into account (id, tenant, name, roles, password, totp, created_at, disabled_at)
      values (${id}, ${tenant}, ${name}, ${JSON.stringify(roles)}, ${password}, ${totp}, ${createdAt}, ${disabledAt})
      on conflict do nothing`,
      { tenant },
    )
    return changed > 0
  }

  async findById(id: string): Promise<Account | undefined> {
    return this.#one(sql`select * from account where id = ${id}`, { named: id })
  }

  async findByName(name: string): Promise<Account | undefined> {
    return this.#one(sql`select * from account where name = ${name}`, { named: name })
  }

  async list(tenant: string): Promise<readonly Account[]> {
    const rows = await this.#db.rows<AccountRow>(sql`select * from account where tenant = ${tenant} order by name`, {
      tenant,
    })
    return rows.map(toAccount)
  }

  /** What is not to be changed keeps its column. */
  async update(tenant: string, id: string, change: AccountChange): Promise<boolean> {
    const { roles, password, totp, disabledAt } = change
    const changed = await this.#db.change(
      sql`update account set
      roles = coalesce(${roles === undefined ? null : JSON.stringify(roles)}, roles),
      password = coalesce(${password ?? null}, password),
      totp = ${totp === undefined ? sql`totp` : sql`${totp}`},
      disabled_at = ${disabledAt === undefined ? sql`disabled_at` : sql`${disabledAt}`}
      where tenant = ${tenant} and id = ${id}`,
      { tenant },
    )
    return changed > 0
  }

  async resealTotp(tenant: string, id: string, old: string, sealed: string): Promise<boolean> {
    const changed = await this.#db.change(
      sql`update account set totp = ${sealed}
      where tenant = ${tenant} and id = ${id} and totp = ${old}`,
      { tenant },
    )
    return changed > 0
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return (await this.#db.change(sql`delete from account where tenant = ${tenant} and id = ${id}`, { tenant })) > 0
  }

  async attempt(id: string, failures: number, now: number, lockedUntil: number): Promise<boolean> {
    const changed = await this.#db.change(
      sql`update account set failures = failures + 1,
      locked_until = case when locked_until > ${lockedUntil} then locked_until else ${lockedUntil} end
      where id = ${id} and failures = ${failures} and locked_until <= ${now}`,
      { named: id },
    )
    return changed > 0
  }

  async succeed(id: string, totpStep: number): Promise<boolean> {
    const step = totpStep > 0 ? sql`totp_step < ${totpStep}` : sql`1 = 1`
    const changed = await this.#db.change(
      sql`update account set failures = 0, locked_until = 0,
      totp_step = case when totp_step > ${totpStep} then totp_step else ${totpStep} end
      where id = ${id} and ${step}`,
      { named: id },
    )
    return changed > 0
  }

  async #one(statement: Statement, reach: Reach): Promise<Account | undefined> {
    const [row] = await this.#db.rows<AccountRow>(statement, reach)
    return row && toAccount(row)
  }
}

function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    roles: JSON.parse(row.roles) as string[],
    createdAt: row.created_at,
    failures: row.failures,
    lockedUntil: row.locked_until,
    ...(row.password !== null && { password: row.password }),
    ...(row.totp !== null && { totp: row.totp }),
    ...(row.disabled_at !== null && { disabledAt: row.disabled_at }),
  }
}
