/** Decides what a store file has to look like. Steps are only ever added: a released one is never changed. */
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'

/** Says whose file it is (`PRAGMA application_id`): the letters PCLS. */
const APPLICATION_ID = 0x50434c53

/** Step n brings a store from version n to n + 1. */
const STEPS: readonly string[] = [
  `create table api_key (
     id text primary key,
     digest text not null unique,
     tenant text not null,
     principal text not null,
     name text not null,
     roles text not null check (json_valid(roles)),
     upstreams text check (json_valid(upstreams)),
     created_at integer not null,
     expires_at integer,
     revoked_at integer,
     last_used_at integer,
     replaces text unique references api_key (id),
     predecessor_ends_at integer,
     check ((replaces is null) = (predecessor_ends_at is null))
   ) strict;
   create index api_key_by_tenant on api_key (tenant, created_at, id);
   create table revocation (
     sequence integer primary key autoincrement,
     kind text not null check (kind in ('token', 'key', 'principal')),
     tenant text not null,
     id text not null,
     starts_at integer not null,
     ends_at integer not null,
     reason text not null
   ) strict;
   create index revocation_by_end on revocation (ends_at);`,
]

/** Brings the store to our version. Throws a StoreError for another application's file or a newer version, untouched. */
export function migrate(db: DatabaseSync, path: string): void {
  requireOurs(db, path)
  if (pragma(db, 'user_version') === STEPS.length) return
  db.exec('begin immediate')
  try {
    requireOurs(db, path)
    for (const step of STEPS.slice(pragma(db, 'user_version'))) db.exec(step)
    db.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${STEPS.length}; commit`)
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}

function requireOurs(db: DatabaseSync, path: string): void {
  const version = pragma(db, 'user_version')
  const tables = db.prepare('select count(*) as tables from sqlite_schema').get()?.['tables']
  const fresh = version === 0 && tables === 0 && pragma(db, 'application_id') === 0
  if (!fresh && pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new StoreError('not_a_store', `${path} is not a store of Portcullis; name another file.`)
  }
  if (version > STEPS.length) {
    const versions = `version ${version}, and this release knows versions up to ${STEPS.length}`
    throw new StoreError('newer_version', `${path} has ${versions}; run the newer release or restore a backup.`)
  }
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`pragma ${name}`).get()?.[name])
}
