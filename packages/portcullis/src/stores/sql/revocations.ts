/** Revocations in a database: an append-only table, read by its sequence. */
import type { Revocation, RevocationNews, RevocationStore } from '../../identity/revocation-store.ts'
import { ALL, type Database, sql } from './statement.ts'

export class SqlRevocations implements RevocationStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async revoke({ kind, tenant, id, from, until, reason }: Revocation): Promise<number> {
    const [row] = await this.#db.rows<{ readonly sequence: number }>(
      sql`
      insert into revocation (kind, tenant, id, starts_at, ends_at, reason)
      values (${kind}, ${tenant}, ${id}, ${from}, ${until}, ${reason})
      returning sequence`,
      { tenant, alone: 'revocation' },
    )
    if (row === undefined) throw new Error('the revocation has no sequence')
    return row.sequence
  }

  since(sequence: number, maxEntries: number): Promise<readonly RevocationNews[]> {
    return this.#db.rows<RevocationNews>(
      sql`
      select sequence, kind, tenant, id, starts_at as "from", ends_at as "until", reason from revocation
      where sequence > ${sequence} order by sequence limit ${maxEntries}`,
      ALL,
    )
  }

  prune(now: number): Promise<number> {
    return this.#db.change(
      sql`
      delete from revocation as over where ends_at <= ${now} and not exists (
        select 1 from revocation as earlier where earlier.sequence < over.sequence and earlier.ends_at > ${now}
        and earlier.kind = over.kind and earlier.tenant = over.tenant and earlier.id = over.id)`,
      ALL,
    )
  }
}
