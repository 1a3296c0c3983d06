/** Links to outside providers in a database. Every verb is one statement, so the database makes it atomic. */
import type { AccountLink, AccountLinkStore } from '../../identity/server/providers/account-link-store.ts'
import type { AccountLinkRow } from './schema.ts'
import { type Database, sql } from './statement.ts'

export class SqlAccountLinks implements AccountLinkStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async add({ issuer, subject, account, tenant, origin, createdAt }: AccountLink): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      insert into account_link (issuer, subject, account, tenant, origin, created_at)
      values (${issuer}, ${subject}, ${account}, ${tenant}, ${origin}, ${createdAt})
      on conflict do nothing`,
      { tenant },
    )
    return changed > 0
  }

  async find(issuer: string, subject: string): Promise<AccountLink | undefined> {
    const [row] = await this.#db.rows<AccountLinkRow>(
      sql`
      select * from account_link where issuer = ${issuer} and subject = ${subject}`,
      { named: subject },
    )
    return row && toLink(row)
  }

  async ofAccount(account: string): Promise<readonly AccountLink[]> {
    const rows = await this.#db.rows<AccountLinkRow>(
      sql`
      select * from account_link where account = ${account} order by created_at, issuer, subject`,
      { named: account },
    )
    return rows.map(toLink)
  }

  async remove(account: string, issuer: string, subject: string): Promise<boolean> {
    const changed = await this.#db.change(
      sql`
      delete from account_link where account = ${account} and issuer = ${issuer} and subject = ${subject}`,
      { named: account },
    )
    return changed > 0
  }

  removeAccount(account: string): Promise<number> {
    return this.#db.change(sql`delete from account_link where account = ${account}`, { named: account })
  }
}

function toLink(row: AccountLinkRow): AccountLink {
  return {
    issuer: row.issuer,
    subject: row.subject,
    account: row.account,
    tenant: row.tenant,
    origin: row.origin,
    createdAt: row.created_at,
  }
}
