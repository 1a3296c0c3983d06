/** Decides how a statement reaches PostgreSQL: its values apart from its text, and only to the rows within its reach. */
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg'
import { currentFence, type Fence } from '../sql/fence.ts'
import type { Database, Reach, Statement } from '../sql/statement.ts'
import { StoreError } from '../store-error.ts'
import { fromStored, toStored } from './stored-text.ts'

/** Says of one transaction whose rows it is about, and lets those that must be alone wait for each other. */
const REACH = `select
  set_config('portcullis.tenant', $1, true), set_config('portcullis.named', $2, true), set_config('portcullis.all', $3, true),
  case when $4::text is not null then pg_advisory_xact_lock(hashtextextended($4, 7205))::text end`

/** Raises `LOST` for a turn that another holder has by now, and keeps it from being taken until the transaction ends. */
const FENCE = 'select hold_turn($1, $2)'
const LOST = 'PT001'

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
    const [done, ended, ...before] = await within(client, reach, query, currentFence())
    // A connection of which we do not know in which transaction it is must serve nobody else.
    client.release(ended.status === 'rejected')
    for (const one of [...before, done, ended]) if (one.status === 'rejected') refuse(one.reason)
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
  if (state === LOST) throw new StoreError('turn_lost', 'Another node has the turn by now.', thrown)
  if (SQLSTATE.test(state) && !AWAY.test(state)) throw thrown
  throw new StoreError('unreachable', 'PostgreSQL does not answer.', thrown)
}

type Settled = PromiseSettledResult<QueryResult>

/**
 * All at once, in one round trip. After a failure the server takes no further part of a transaction, and `commit` ends it.
 * First what came of the statement and of the end, then of what stood before.
 */
async function within(
  client: PoolClient,
  reach: Reach,
  query: QueryConfig,
  fence: Fence | undefined,
): Promise<readonly [Settled, Settled, ...Settled[]]> {
  const before = [
    client.query('begin'),
    client.query(REACH, [
      'tenant' in reach ? toStored(reach.tenant) : '',
      'named' in reach ? toStored(reach.named) : '',
      'all' in reach ? 'node' : '',
      reach.alone === undefined ? null : toStored(reach.alone),
    ]),
    ...(fence === undefined ? [] : [client.query(FENCE, [toStored(fence.name), toStored(fence.holder)])]),
  ]
  const [done, ended] = [client.query(query), client.query('commit')]
  const [first, second, ...others] = await Promise.allSettled([done, ended, ...before])
  return [first as Settled, second as Settled, ...others]
}

function queryOf({ values, parts }: Statement): QueryConfig {
  const text = parts.reduce((before, part, index) => `${before}$${index}${part}`)
  return { text, values: values.map((value) => (typeof value === 'string' ? toStored(value) : value)) }
}
