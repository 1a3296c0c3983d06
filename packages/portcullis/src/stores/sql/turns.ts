/** Turns in a database: one row for each, which one statement compares and swaps. */
import type { TurnStore } from '../turn-store.ts'
import { fenced } from './fence.ts'
import { type Database, sql, type Statement } from './statement.ts'

export class SqlTurns implements TurnStore {
  readonly #db: Database
  readonly #now: Statement

  /** `now` is what the database calls the time, in milliseconds since the epoch: the clocks of nodes may differ. */
  constructor(db: Database, now: Statement) {
    this.#db = db
    this.#now = now
  }

  async take(name: string, holder: string, forMs: number): Promise<boolean> {
    const changed = await this.#db.change(sql`
      insert into turn (name, holder, ends_at) values (${name}, ${holder}, ${this.#now} + ${forMs})
      on conflict (name) do update set holder = excluded.holder, ends_at = excluded.ends_at
      where turn.ends_at <= ${this.#now}`)
    return changed > 0
  }

  async keep(name: string, holder: string, forMs: number): Promise<boolean> {
    const changed = await this.#db.change(sql`
      update turn set ends_at = ${this.#now} + ${forMs} where name = ${name} and holder = ${holder}`)
    return changed > 0
  }

  async pass(name: string, holder: string): Promise<void> {
    await this.#db.change(sql`delete from turn where name = ${name} and holder = ${holder}`)
  }

  guard<T>(name: string, holder: string, work: () => Promise<T>): Promise<T> {
    return fenced({ name, holder }, work)
  }
}
