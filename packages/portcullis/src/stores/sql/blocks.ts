/** Blocks in a database: an append-only table, read by its sequence, in which the last entry of a name counts. */
import type { BlockNews, BlockStore } from '../../traffic/block-store.ts'
import type { Entry } from '../../traffic/blocks.ts'
import { ALL, type Database, sql } from './statement.ts'

export class SqlBlocks implements BlockStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async put({ kind, value, tenant, reason, source, untilMs }: Entry, at: number): Promise<number> {
    const [row] = await this.#db.rows<{ readonly sequence: number }>(
      sql`
      insert into block (kind, value, tenant, reason, source, ends_at, made_at)
      values (${kind}, ${value}, ${tenant}, ${reason}, ${source}, ${untilMs}, ${at})
      returning sequence`,
      { ...(tenant === '' ? { all: true as const } : { tenant }), alone: 'block' },
    )
    if (row === undefined) throw new Error('the block has no sequence')
    return row.sequence
  }

  since(sequence: number, maxEntries: number): Promise<readonly BlockNews[]> {
    return this.#db.rows<BlockNews>(
      sql`
      select sequence, kind, value, tenant, reason, source, ends_at as "untilMs", made_at as "at" from block
      where sequence > ${sequence} order by sequence limit ${maxEntries}`,
      ALL,
    )
  }

  prune(before: number): Promise<number> {
    return this.#db.change(
      sql`
      delete from block as old where ends_at < ${before} or exists (
        select 1 from block as later where later.sequence > old.sequence
        and later.kind = old.kind and later.tenant = old.tenant and later.value = old.value)`,
      ALL,
    )
  }
}
