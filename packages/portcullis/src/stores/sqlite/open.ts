/** Opens the embedded store. Only when it is asked for: the query builder takes longer to load than the rest of us. */
import type { Dialect } from 'kysely'
import { statSync } from 'node:fs'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { Tables } from '../sql/schema.ts'
import { StoreError } from '../store-error.ts'
import type { Stores } from '../stores.ts'
import { prepareStoreFile } from './file.ts'
import { migrate } from './migrations.ts'

export interface SqliteStoresOptions {
  readonly path: string
}

/** SQLite waits in this thread, so another process must not be able to hold us for long. */
const BUSY_MS = 1_000
const MAX_STATEMENTS = 100

/** Rejects with a StoreError when the file is not ours alone, not writable, not a store, or of a newer version. */
export async function openSqliteStores({ path }: SqliteStoresOptions): Promise<Stores> {
  prepareStoreFile(path)
  const [{ Kysely, SqliteDialect, sql }, sqlite] = await Promise.all([import('kysely'), import('node:sqlite')])
  const { SqlApiKeys } = await import('../sql/api-keys.ts')
  const { SqlRevocations } = await import('../sql/revocations.ts')
  const database = openDatabase(sqlite.DatabaseSync, path)
  const dialect: Dialect = new SqliteDialect({ database: adapt(database, sameFile(path)) })
  const db = new Kysely<Tables>({ dialect })
  return {
    apiKeys: new SqlApiKeys(db),
    revocations: new SqlRevocations(db),
    health: async () => void (await sql`select 1 from api_key limit 1`.execute(db)),
    close: () => db.destroy(),
  }
}

function openDatabase(Database: typeof DatabaseSync, path: string): DatabaseSync {
  const db = new Database(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true })
  try {
    db.enableDefensive?.(true)
    db.exec('pragma trusted_schema = off')
    migrate(db, path)
    // A revocation that was answered must survive a power cut.
    db.exec('pragma journal_mode = wal; pragma synchronous = full')
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

/** What the dialect expects of a driver. The texts of our statements are few, so they are prepared once. */
function adapt(db: DatabaseSync, requireSameFile: () => void) {
  const statements = new Map<string, StatementSync>()
  const prepare = (text: string) => {
    const statement = statements.get(text) ?? db.prepare(text)
    if (statements.size >= MAX_STATEMENTS) statements.clear()
    statements.set(text, statement)
    return statement
  }
  return {
    close: () => db.close(),
    prepare(text: string) {
      requireSameFile()
      const statement = prepare(text)
      const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...values(parameters)),
        run: (parameters: readonly unknown[]) => statement.run(...values(parameters)),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...values(parameters)),
      }
    },
  }
}
