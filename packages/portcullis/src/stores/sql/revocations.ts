/** Revocations in a database: an append-only table, read by its sequence. */
import type { Kysely } from 'kysely'
import type { Revocation, RevocationNews, RevocationStore } from '../../identity/revocation-store.ts'
import type { Tables } from './schema.ts'

/** For databases that write one transaction after another; others must take a lock around `revoke` (see the port). */
export class SqlRevocations implements RevocationStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async revoke(revocation: Revocation): Promise<number> {
    const { kind, tenant, id, reason } = revocation
    const { sequence } = await this.#db
      .insertInto('revocation')
      .values({ kind, tenant, id, reason, starts_at: revocation.from, ends_at: revocation.until })
      .returning('sequence')
      .executeTakeFirstOrThrow()
    return sequence
  }

  since(sequence: number, maxEntries: number): Promise<readonly RevocationNews[]> {
    return this.#db
      .selectFrom('revocation')
      .select(['sequence', 'kind', 'tenant', 'id', 'starts_at as from', 'ends_at as until', 'reason'])
      .where('sequence', '>', sequence)
      .orderBy('sequence')
      .limit(maxEntries)
      .execute()
  }

  async prune(now: number): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom('revocation').where('ends_at', '<=', now).executeTakeFirst()
    return Number(numDeletedRows)
  }
}
