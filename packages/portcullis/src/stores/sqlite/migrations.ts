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
  `create table used_once (
     space text not null,
     id text not null,
     ends_at integer not null,
     primary key (space, id)
   ) strict, without rowid;
   create index used_once_by_end on used_once (ends_at);`,
  `create table grant_entry (
     kind text not null,
     digest text not null,
     payload text not null check (json_valid(payload)),
     expires_at integer not null,
     family text,
     account text,
     alias text,
     consumed_at integer,
     primary key (kind, digest)
   ) strict, without rowid;
   create index grant_entry_by_family on grant_entry (family) where family is not null;
   create index grant_entry_by_account on grant_entry (account) where account is not null;
   create index grant_entry_by_alias on grant_entry (kind, alias) where alias is not null;
   create index grant_entry_by_end on grant_entry (expires_at);
   create table account (
     id text primary key,
     tenant text not null,
     name text not null unique,
     roles text not null check (json_valid(roles)),
     password text,
     totp text,
     created_at integer not null,
     disabled_at integer,
     failures integer not null default 0,
     locked_until integer not null default 0,
     totp_step integer not null default 0
   ) strict;
   create index account_by_tenant on account (tenant, name);
   create table oauth_client (
     id text primary key,
     tenant text not null,
     name text not null,
     metadata text not null check (json_valid(metadata)),
     secret_digest text,
     roles text not null check (json_valid(roles)),
     origin text not null check (origin in ('operator', 'registration')),
     created_at integer not null
   ) strict;
   create index oauth_client_by_tenant on oauth_client (tenant, created_at, id);`,
  `create table data_key (
     tenant text not null,
     version integer not null check (version > 0),
     wrapped_by text not null,
     wrapped text not null,
     created_at integer not null,
     primary key (tenant, version)
   ) strict, without rowid;
   create table upstream_credential (
     tenant text not null,
     upstream text not null,
     principal text not null,
     kind text not null check (kind in ('static', 'oauth', 'client')),
     sealed text not null,
     revision text not null,
     updated_at integer not null,
     primary key (tenant, upstream, principal, kind)
   ) strict, without rowid;`,
  // A check cannot be changed in place. The sequence goes on where it was: none is ever used twice.
  `create table revocation_next (
     sequence integer primary key autoincrement,
     kind text not null check (kind in ('token', 'key', 'principal', 'tenant')),
     tenant text not null,
     id text not null,
     starts_at integer not null,
     ends_at integer not null,
     reason text not null
   ) strict;
   insert into revocation_next select sequence, kind, tenant, id, starts_at, ends_at, reason from revocation;
   delete from sqlite_sequence where name = 'revocation_next';
   insert into sqlite_sequence (name, seq) select 'revocation_next', seq from sqlite_sequence where name = 'revocation';
   drop table revocation;
   alter table revocation_next rename to revocation;
   create index revocation_by_end on revocation (ends_at);
   create index revocation_by_name on revocation (kind, tenant, id);
   alter table oauth_client add column disabled_at integer;`,
  `create table passkey (
     id text primary key,
     account text not null,
     tenant text not null,
     public_key text not null,
     counter integer not null,
     transports text not null check (json_valid(transports)),
     synced integer not null,
     label text not null,
     created_at integer not null,
     last_used_at integer
   ) strict;
   create index passkey_by_account on passkey (account, created_at);
   create table account_link (
     issuer text not null,
     subject text not null,
     account text not null,
     tenant text not null,
     origin text not null check (origin in ('operator', 'provider')),
     created_at integer not null,
     primary key (issuer, subject)
   ) strict, without rowid;
   create index account_link_by_account on account_link (account, created_at);`,
  `create table block (
     sequence integer primary key autoincrement,
     kind text not null,
     tenant text not null,
     value text not null,
     reason text not null,
     source text not null,
     ends_at integer not null,
     made_at integer not null
   ) strict;
   create index block_by_name on block (kind, tenant, value);
   create index block_by_end on block (ends_at);`,
  `create table turn (
     name text primary key,
     holder text not null,
     ends_at integer not null
   ) strict, without rowid;`,
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
