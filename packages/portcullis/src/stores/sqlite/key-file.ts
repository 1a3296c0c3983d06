/**
 * Decides how the file of the tenant keys lies on the disk: apart from the store, so that no copy of the store holds it, and
 * so that what is removed leaves no trace in it.
 *
 * The journal stays in place and is written over: the next change covers what it held, and `scour` makes one that covers all.
 * What SQLite cannot reach are blocks that the file system or the disk keep elsewhere: snapshots, copy on write, the spare
 * blocks of an SSD. There the wrapping by the key-encryption key is what is left.
 */
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'

/** Says whose file it is (`PRAGMA application_id`): the letters PCLK. */
const APPLICATION_ID = 0x50434c4b
const VERSION = 1

const SCHEMA = `create table tenant_key (
  tenant text primary key,
  id text not null unique,
  wrapped_by text not null,
  wrapped text not null,
  created_at integer not null
) strict, without rowid;`

/** Throws a StoreError for another application's file or a newer version, untouched. */
export function prepareKeyFile(db: DatabaseSync, path: string): void {
  db.exec(
    'pragma trusted_schema = off; pragma secure_delete = on; pragma journal_mode = persist; pragma synchronous = extra',
  )
  db.exec('begin immediate')
  try {
    const number = (name: string) => Number(db.prepare(`pragma ${name}`).get()?.[name])
    const tables = Number(db.prepare('select count(*) as tables from sqlite_schema').get()?.['tables'])
    if (tables === 0 && number('application_id') === 0) {
      db.exec(`${SCHEMA} pragma application_id = ${APPLICATION_ID}; pragma user_version = ${VERSION}`)
    } else if (number('application_id') !== APPLICATION_ID) {
      throw new StoreError('not_a_store', `${path} does not hold the tenant keys of Portcullis.`)
    } else if (number('user_version') !== VERSION) {
      throw new StoreError('newer_version', `${path} is of a newer release; run that one.`)
    }
    db.exec('commit')
  } catch (thrown) {
    db.exec('rollback')
    throw thrown
  }
}

/** Writes the whole file anew, and with it the whole journal. */
export function scour(db: DatabaseSync): void {
  db.exec('vacuum')
}
