/** Decides how the embedded store is copied while it is written, how a copy is examined, and what a newer store passes on to an older one. */
import { closeSync, openSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { CarriedOver } from '../carried-over.ts'
import { StoreError } from '../store-error.ts'
import { migrate } from './migrations.ts'

const BUSY_MS = 5_000
/** All in one step, in a thread of the pool: it sees one state, and is not begun anew by whoever writes meanwhile. */
const ALL_PAGES = 0x7fff_ffff

/** Copies the store at `path` as it is at one moment into the new file `to`, mode 0600. Rejects with StoreError, or what SQLite throws. */
export async function snapshotSqlite(path: string, to: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    throw new StoreError('unwritable', `There is no store at ${path}.`)
  const { backup, DatabaseSync: Database } = await import('node:sqlite')
  closeSync(openSync(to, 'wx', 0o600))
  const source = new Database(path, { timeout: BUSY_MS, readOnly: true })
  try {
    await backup(source, to, { rate: ALL_PAGES })
  } finally {
    source.close()
  }
  const copy = new Database(to)
  try {
    // One file, which needs no journal beside it.
    copy.exec('pragma journal_mode = delete')
  } finally {
    copy.close()
  }
}

/** Throws StoreError unless the file is a whole store that this release, or an older one, has written. It is brought to our version. */
export async function mustBeSoundSqlite(path: string): Promise<void> {
  await withStore(path, (db) => {
    const found = db.prepare('pragma integrity_check(1)').get()?.['integrity_check']
    if (found !== 'ok') throw new StoreError('not_a_store', `${path} is damaged: ${String(found)}.`)
    if (db.prepare('pragma foreign_key_check').get() !== undefined)
      throw new StoreError('not_a_store', `${path} is damaged: a row names one that is not there.`)
    migrate(db, path)
  })
}

/**
 * Takes over whatever refuses somebody something, and what the accounts that both have are like now. No key, account or sign-in
 * that only the newer one has is taken over. Rejects when either cannot be read.
 */
export async function carryOver(from: string, to: string): Promise<CarriedOver> {
  return withStore(to, (db) => {
    migrate(db, to)
    db.prepare('attach database ? as newer').run(from)
    db.exec('begin immediate')
    try {
      const count = (text: string): number => Number(db.prepare(text).run().changes)
      const carried = {
        revocations: count(news('revocation', 'kind, tenant, id, starts_at, ends_at, reason')),
        blocks: count(news('block', 'kind, tenant, value, reason, source, ends_at, made_at')),
        ended: sum(ENDINGS, count),
        used: count('insert or ignore into main.used_once select * from newer.used_once'),
        grants: sum(GRANTS, count),
      }
      // Those that seal what was just taken over; they are wrapped.
      count('insert or ignore into main.data_key select * from newer.data_key')
      db.exec('commit')
      return carried
    } catch (thrown) {
      db.exec('rollback')
      throw thrown
    }
  })
}

/** Ends all sign-ins of the authorization server: sessions, codes and refresh tokens. Resolves with how many there were. */
export async function endGrants(path: string): Promise<number> {
  return withStore(path, (db) => Number(db.prepare('delete from grant_entry').run().changes))
}

/** In their order, with sequences of their own. */
const news = (table: string, columns: string): string =>
  `insert into main.${table} (${columns}) select ${columns} from newer.${table} as later where not exists (
     select 1 from main.${table} as old where ${columns
       .split(', ')
       .map((column) => `old.${column} = later.${column}`)
       .join(' and ')}) order by later.sequence`

const sum = (texts: readonly string[], count: (text: string) => number): number =>
  texts.reduce((total, text) => total + count(text), 0)

/** What has an end in the newer store has it in the older one. */
const ended = (table: string, column: string): string =>
  `update main.${table} as old set ${column} = (select ${column} from newer.${table} as news where news.id = old.id)
   where old.${column} is null and exists (
     select 1 from newer.${table} as news where news.id = old.id and news.${column} is not null)`

/** What the newer store does not have any more. */
const gone = (table: string, names: readonly string[]): string =>
  `from main.${table} as old where not exists (select 1 from newer.${table} as news where ${names
    .map((name) => `news.${name} = old.${name}`)
    .join(' and ')})`

const removed = (table: string, ...names: readonly string[]): string =>
  `delete from main.${table} where (${names.join(', ')}) in (select ${names.join(', ')} ${gone(table, names)})`

const switchedOff = (table: string): string =>
  `update main.${table} set disabled_at = created_at where disabled_at is null and id in (select id ${gone(table, ['id'])})`

/** A password that was changed, or a role that was taken away, must not come back. */
const SAME_ACCOUNTS = `update main.account as old
  set (roles, password, totp, failures, locked_until, totp_step) =
    (select roles, password, totp, failures, locked_until, totp_step from newer.account as news where news.id = old.id)
  where exists (select 1 from newer.account as news where news.id = old.id and
    (news.roles, news.password, news.totp, news.totp_step) is not (old.roles, old.password, old.totp, old.totp_step))`

/** Nor a secret of a client that was renewed because it had leaked, or an address to which no code may go any more. */
const SAME_CLIENTS = `update main.oauth_client as old
  set (metadata, secret_digest, roles) =
    (select metadata, secret_digest, roles from newer.oauth_client as news where news.id = old.id)
  where exists (select 1 from newer.oauth_client as news where news.id = old.id and
    (news.metadata, news.secret_digest, news.roles) is not (old.metadata, old.secret_digest, old.roles))`

/** A key that was replaced since works no longer than it would have. */
const REPLACED_KEYS = `update main.api_key as old set expires_at = (
    select min(coalesce(old.expires_at, news.predecessor_ends_at), news.predecessor_ends_at)
    from newer.api_key as news where news.replaces = old.id)
  where exists (select 1 from newer.api_key as news where news.replaces = old.id
      and (old.expires_at is null or old.expires_at > news.predecessor_ends_at))
    and not exists (select 1 from main.api_key as known where known.replaces = old.id)`

const ENDINGS: readonly string[] = [
  ended('api_key', 'revoked_at'),
  REPLACED_KEYS,
  SAME_ACCOUNTS,
  SAME_CLIENTS,
  ended('account', 'disabled_at'),
  switchedOff('account'),
  ended('oauth_client', 'disabled_at'),
  switchedOff('oauth_client'),
  removed('passkey', 'id'),
  removed('account_link', 'issuer', 'subject'),
  removed('upstream_credential', 'tenant', 'upstream', 'principal', 'kind'),
]

const GRANTS: readonly string[] = [
  removed('grant_entry', 'kind', 'digest'),
  `update main.grant_entry as old set consumed_at = (
    select consumed_at from newer.grant_entry as news where news.kind = old.kind and news.digest = old.digest)
   where old.consumed_at is null and exists (
    select 1 from newer.grant_entry as news
    where news.kind = old.kind and news.digest = old.digest and news.consumed_at is not null)`,
]

async function withStore<T>(path: string, use: (db: DatabaseSync) => T): Promise<T> {
  const { DatabaseSync: Database } = await import('node:sqlite')
  const db = new Database(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true })
  try {
    db.exec('pragma trusted_schema = off; pragma secure_delete = on')
    return use(db)
  } catch (thrown) {
    if (thrown instanceof StoreError) throw thrown
    const isNone = thrown instanceof Error && 'errcode' in thrown && thrown.errcode === SQLITE_NOTADB
    throw isNone ? new StoreError('not_a_store', `${path} is not a SQLite database.`, thrown) : thrown
  } finally {
    db.close()
  }
}

const SQLITE_NOTADB = 26
