/** Opens the embedded store. */
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SqlBlocks } from '../sql/blocks.ts'
import { SqlReplays } from '../sql/replays.ts'
import { SqlRevocations } from '../sql/revocations.ts'
import { SqlTenantKeys } from '../sql/tenant-keys.ts'
import { SqlTurns } from '../sql/turns.ts'
import { type Database, sql, type Statement } from '../sql/statement.ts'
import { sqlStores } from '../sql/stores.ts'
import { StoreError } from '../store-error.ts'
import type { Stores } from '../stores.ts'
import { prepareStoreFile } from './file.ts'
import { prepareKeyFile, scour } from './key-file.ts'
import { migrate } from './migrations.ts'

export interface SqliteStoresOptions {
  readonly path: string
  /** File of the tenant keys; `tenant-keys.sqlite` beside the store when absent. */
  readonly tenantKeysPath?: string
}

/** SQLite waits in this thread, so another process must not be able to hold us for long. */
const BUSY_MS = 1_000
const MAX_STATEMENTS = 100

const NOW = sql`cast(unixepoch('subsec') * 1000 as integer)`

/** Rejects with a StoreError when the file is not ours alone, not writable, not a store, or of a newer version. */
export async function openSqliteStores(options: SqliteStoresOptions): Promise<Stores> {
  const { path, tenantKeysPath = join(dirname(path), 'tenant-keys.sqlite') } = options
  prepareStoreFile(path)
  const { DatabaseSync } = await import('node:sqlite')
  // A revocation that was answered must survive a power cut.
  const file = openFile(DatabaseSync, path, 'full')
  const db = statements(file, sameFile(path))
  const swift = lazily(() => openFile(DatabaseSync, path, 'normal'), path)
  const keys = lazily(() => openKeyFile(DatabaseSync, tenantKeysPath), tenantKeysPath)
  return {
    ...sqlStores(db),
    revocations: new SqlRevocations(db),
    blocks: new SqlBlocks(db),
    replays: new SqlReplays(swift.db),
    tenantKeys: new SqlTenantKeys(keys.db, async () => scour(keys.file())),
    turns: new SqlTurns(swift.db, NOW),
    backup: async (to) => (await import('./snapshot.ts')).snapshotSqlite(path, to),
    health: async () => void (await db.rows(sql`select 1 from api_key limit 1`)),
    close: async () => {
      swift.close()
      keys.close()
      file.close()
    },
  }
}

/**
 * A connection that is opened when it is first used. The second one of the store is for what is written with each call, and
 * waits for no disk: for a call that a bound token makes, the wait would be most of it.
 */
function lazily(open: () => DatabaseSync, path: string) {
  let opened: { readonly file: DatabaseSync; readonly db: Database } | undefined
  const database = () => {
    if (opened === undefined) {
      const file = open()
      opened = { file, db: statements(file, sameFile(path)) }
    }
    return opened
  }
  const db: Database = {
    rows: async <Row>(statement: Statement) => database().db.rows<Row>(statement),
    change: async (statement) => database().db.change(statement),
  }
  return { db, file: () => database().file, close: () => opened?.file.close() }
}

/** The file of the tenant keys; a gateway that seals nothing never makes it. */
function openKeyFile(Database: typeof DatabaseSync, path: string): DatabaseSync {
  prepareStoreFile(path)
  const db = new Database(path, { timeout: BUSY_MS })
  try {
    db.enableDefensive?.(true)
    prepareKeyFile(db, path)
    return db
  } catch (error) {
    db.close()
    throw explain(error, path)
  }
}

function openFile(Database: typeof DatabaseSync, path: string, synchronous: 'full' | 'normal'): DatabaseSync {
  const db = new Database(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true })
  try {
    db.enableDefensive?.(true)
    // What is deleted is overwritten: a data key that is shredded must not stay behind in a free page.
    db.exec('pragma trusted_schema = off; pragma secure_delete = on')
    migrate(db, path)
    db.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}`)
    return db
  } catch (error) {
    db.close()
    throw explain(error, path)
  }
}

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

function explain(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  if (code === SQLITE_BUSY) return new StoreError('locked', `The store ${path} is locked by another process.`, error)
  if (code === SQLITE_NOTADB) return new StoreError('not_a_store', `${path} is not a SQLite database.`, error)
  return error
}

/**
 * Refuses to go on when the file at `path` is not the opened one any more. SQLite would go on with what was taken away,
 * and the revocations that others write into the new file would never be seen.
 */
function sameFile(path: string): () => void {
  const { dev, ino } = statSync(path)
  return () => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined || found.dev !== dev || found.ino !== ino) {
      throw new StoreError('unwritable', `The store ${path} was removed or replaced; start the gateway again.`)
    }
  }
}

/** The texts of our statements are few, so they are prepared once. */
function statements(db: DatabaseSync, requireSameFile: () => void): Database {
  const prepared = new Map<string, StatementSync>()
  const prepare = ({ parts }: Statement): StatementSync => {
    requireSameFile()
    const text = parts.join('?')
    const statement = prepared.get(text) ?? db.prepare(text)
    if (prepared.size >= MAX_STATEMENTS) prepared.clear()
    prepared.set(text, statement)
    return statement
  }
  return {
    rows: async <Row>(statement: Statement) =>
      prepare(statement).all(...statement.values) as readonly unknown[] as readonly Row[],
    change: async (statement) => Number(prepare(statement).run(...statement.values).changes),
  }
}
