/** Opens the store that several gateways share. */
import { setTimeout as pause } from 'node:timers/promises'
import pg, { type ClientBase, type Pool, type PoolConfig } from 'pg'
import { SqlBlocks } from '../sql/blocks.ts'
import { SqlReplays } from '../sql/replays.ts'
import { SqlRevocations } from '../sql/revocations.ts'
import { SqlTenantKeys } from '../sql/tenant-keys.ts'
import { SqlTurns } from '../sql/turns.ts'
import { sql } from '../sql/statement.ts'
import { sqlStores } from '../sql/stores.ts'
import type { Stores } from '../stores.ts'
import { connection, type PostgresAddress } from './connection.ts'
import { PostgresDatabase } from './database.ts'
import { PostgresNews } from './news.ts'
import { requireHeldRole, requireWritable } from './role.ts'
import { unreachable } from './unreachable.ts'

export interface PostgresStoresOptions extends PostgresAddress {
  /** Connections for the work of calls; three more are for news. */
  readonly maxConnections: number
  /** Told about each connection that was lost, or could not be had by whoever listens. */
  readonly onProblem: (error: unknown) => void
}

/** Revocations and blocks have connections of their own: no crowd of sign-ins keeps news from a node. */
const NEWS_CONNECTIONS = 2
const IDLE_MS = 30_000
/** A connection that was kept for ever would stay with a server that has long been replaced behind its name. */
const LIFE_SECONDS = 1_800

const NOW = sql`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`

/** Rejects with StoreError for a server that cannot be reached, a schema that is not ours, and a role that may too much. */
export async function openPostgresStores(options: PostgresStoresOptions): Promise<Stores> {
  const { maxConnections, onProblem } = options
  const config = { ...connection(options), types: TYPES }
  const pools = [
    poolOf({ ...config, max: maxConnections, idleTimeoutMillis: IDLE_MS }, onProblem),
    poolOf({ ...config, max: NEWS_CONNECTIONS, idleTimeoutMillis: 0 }, onProblem),
  ] as const
  const news = new PostgresNews({ config, onProblem, open: (its) => new pg.Client(its) })
  // Only over a new connection can another server answer, whose numbers may go on from an earlier one.
  pools[1].on('connect', () => news.tell(true))
  const close = async () => {
    await news.close()
    // A server that is cut off never says goodbye.
    await Promise.race([
      Promise.all(pools.map((pool) => pool.end())),
      pause(options.timeoutMs, undefined, { ref: false }),
    ])
  }
  try {
    await requireHeldRole(pools[0])
  } catch (thrown) {
    await close()
    throw unreachable(options, thrown)
  }
  await news.start()
  return { ...ports(...pools), close, shared: { onNews: (listener) => news.onNews(listener) } }
}

function ports(work: Pool, news: Pool): Omit<Stores, 'close'> {
  const db = new PostgresDatabase(work)
  const newsDb = new PostgresDatabase(news)
  return {
    ...sqlStores(db),
    revocations: new SqlRevocations(newsDb),
    blocks: new SqlBlocks(newsDb),
    replays: new SqlReplays(db),
    // What is left of a removed row in old pages, logs and copies is for the operator of the database to end.
    tenantKeys: new SqlTenantKeys(db, () => Promise.resolve()),
    turns: new SqlTurns(db, NOW),
    health: async () => void (await db.rows(sql`select version from schema_version`)),
  }
}

function poolOf(config: PoolConfig, onProblem: (error: unknown) => void): Pool {
  // The pool waits for what the hook returns, of which its types know nothing.
  const onConnect: (client: ClientBase) => unknown = requireWritable
  const pool = new pg.Pool({ ...config, maxLifetimeSeconds: LIFE_SECONDS, pipeline: true, onConnect })
  pool.on('error', onProblem)
  // One that is lost while it is in use tells whoever uses it; without this it would end the process as well.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Whole numbers stay exact up to 2^53, which no instant, sequence or count reaches. */
const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (type) => (type === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(type)),
}
