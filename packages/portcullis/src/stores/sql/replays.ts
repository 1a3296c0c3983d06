/** What was used once, in a database: the primary key lets one of many win. */
import type { ReplayStore } from '../../identity/replay-store.ts'
import { ALL, type Database, sql } from './statement.ts'

export class SqlReplays implements ReplayStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async useOnce(space: string, id: string, until: number): Promise<boolean> {
    const used = sql`
      insert into used_once (space, id, ends_at) values (${space}, ${id}, ${until}) on conflict (space, id) do nothing`
    return (await this.#db.change(used, { named: `${space}\n${id}` })) > 0
  }

  prune(now: number): Promise<number> {
    return this.#db.change(sql`delete from used_once where ends_at <= ${now}`, ALL)
  }
}
