/** Decides how a statement reaches PostgreSQL: its values apart from its text, and only to the rows within its reach. */
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg'
import type { Database, Reach, Statement } from '../sql/statement.ts'
import { StoreError } from '../store-error.ts'
import { fromStored, toStored } from './stored-text.ts'

/** Says of one transaction whose rows it is about, and lets those that must be alone wait for each other. */
const REACH = `select
  set_config('portcullis.tenant', $1, true), set_config('portcullis.named', $2, true), set_config('portcullis.all', $3, true),
  case when $4::text is not null then pg_advisory_xact_lock(hashtextextended($4, 7205))::text end`

/** Statements over a pool whose connections send in a row what belongs together. */
export class PostgresDatabase implements Database {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async rows<Row>(statement: Statement, reach?: Reach): Promise<readonly Row[]> {
    const { rows } = await this.#run(statement, reach)
    for (const row of rows as Record<string, unknown>[]) fromStored(row)
    return rows as readonly Row[]
  }

  async change(statement: Statement, reach?: Reach): Promise<number> {
    return (await this.#run(statement, reach)).rowCount ?? 0
  }

  async #run(statement: Statement, reach: Reach | undefined): Promise<QueryResult> {
    const query = queryOf(statement)
    if (reach === undefined) return this.#pool.query(query).catch(refuse)
    const client = await this.#pool.connect().catch(refuse)
    const [begun, reached, done, ended] = await within(client, reach, query)
    // A connection of which we do not know in which transaction it is must serve nobody else.
    client.release(ended.status === 'rejected')
    for (const one of [begun, reached, done, ended]) if (one.status === 'rejected') refuse(one.reason)
    return (done as PromiseFulfilledResult<QueryResult>).value
  }
}

/** Connections, resources, the operator, a lock and a transaction that were waited for in vain, and a server that only reads (PostgreSQL, appendix A). */
const AWAY = /^(?:08|53|57|58)|^(?:55P03|25P03|25006)$/

/** No code of the operating system, such as EPIPE, looks like one. */
const SQLSTATE = /^(?:\d[\dA-Z]|F0|HV|P0|XX)[\dA-Z]{3}$/

/** Throws what the server says of a statement as it is, and StoreError when it has said nothing of it. */
function refuse(thrown: unknown): never {
  const state = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  if (SQLSTATE.test(state) && !AWAY.test(state)) throw thrown
  throw new StoreError('unreachable', 'PostgreSQL does not answer.', thrown)
}

/** All at once, in one round trip. After a failure the server takes no further part of a transaction, and `commit` ends it. */
const within = (client: PoolClient, reach: Reach, query: QueryConfig) =>
  Promise.allSettled([
    client.query('begin'),
    client.query(REACH, [
      'tenant' in reach ? toStored(reach.tenant) : '',
      'named' in reach ? toStored(reach.named) : '',
      'all' in reach ? 'node' : '',
      reach.alone === undefined ? null : toStored(reach.alone),
    ]),
    client.query(query),
    client.query('commit'),
  ])

function queryOf({ values, parts }: Statement): QueryConfig {
  const text = parts.reduce((before, part, index) => `${before}$${index}${part}`)
  return { text, values: values.map((value) => (typeof value === 'string' ? toStored(value) : value)) }
}
