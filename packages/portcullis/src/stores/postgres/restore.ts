/** Decides how a copy takes the place of a shared store: in one transaction of its owner, refusals taken over, or not at all. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CarriedOver } from '../carried-over.ts'
import { StoreError } from '../store-error.ts'
import { CARRY_OVER } from './carry-over.ts'
import { connection, type PostgresAddress } from './connection.ts'
import type { DumpFacts } from './dump.ts'
import { newer, SCHEMA_LOCK, SCHEMA_VERSION } from './migrate.ts'
import { clientEnvironment, findPrograms, type PostgresPrograms, runProgram } from './programs.ts'
import { scriptOf } from './read-dump.ts'
import { READER_RIGHTS, RIGHTS, ROW_SECURITY } from './row-security.ts'
import { KEYS_SCHEMA, STEPS } from './steps.ts'
import { unreachable } from './unreachable.ts'

export interface PostgresRestore {
  /** As the owner of the schema. */
  readonly owner: PostgresAddress
  /** The role of the gateways. */
  readonly grantee: string
  /** The role that makes backups. */
  readonly reader?: string | undefined
  readonly programs?: string | undefined
  readonly file: string
  readonly facts: DumpFacts
  /** Whether a schema that is there may be replaced; it is kept under another name. */
  readonly replace: boolean
  /** Whether all sign-ins end. */
  readonly endsGrants: boolean
}

export interface PostgresRestored {
  readonly carried?: CarriedOver
  /** Schema in which what was there is kept. */
  readonly kept?: string
}

/** Rejects with StoreError, and with what PostgreSQL says; then the database is as it was. */
export async function restorePostgres(given: PostgresRestore): Promise<PostgresRestored> {
  const { owner, facts, file, replace } = given
  if (facts.schema > SCHEMA_VERSION) throw newer(facts.schema)
  const found = await look(owner)
  if (found.schema !== undefined && !replace)
    throw new StoreError(
      'unprepared',
      'The database has a schema portcullis already; name another database, or say --replace, which keeps it beside.',
    )
  const programs = await findPrograms(['pg_restore', 'psql'], Math.max(found.server, facts.server), given.programs)
  const folder = dirname(file)
  const script = join(folder, 'store.sql')
  await scriptOf(file, programs, script)
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const isThere = found.schema !== undefined
  const files = [put('before.sql', beforeText(found.schema)), script, put('after.sql', afterText(given, isThere))]
  const says = await run(given, programs, files, folder)
  const kept = /^kept\|(\w+)$/m.exec(says)?.[1]
  return { ...(isThere && { carried: carriedIn(says) }), ...(kept !== undefined && { kept }) }
}

async function look(owner: PostgresAddress): Promise<{ readonly server: number; readonly schema?: number }> {
  const { Client } = (await import('pg')).default
  const client = new Client(connection(owner))
  client.on('error', () => {})
  await client.connect().catch((thrown: unknown) => Promise.reject(unreachable(owner, thrown)))
  try {
    const { rows } = await client.query<{ readonly server: number; readonly there: boolean }>(
      "select current_setting('server_version_num')::integer / 10000 as server, to_regclass('portcullis.schema_version') is not null as there",
    )
    const { server = 0, there = false } = rows[0] ?? {}
    if (!there) return { server }
    const { rows: versions } = await client.query<{ readonly version: number }>(
      'select version from portcullis.schema_version',
    )
    const schema = versions[0]?.version ?? 0
    if (schema > SCHEMA_VERSION) throw newer(schema)
    return { server, schema }
  } finally {
    await client.end()
  }
}

function run(
  { owner, grantee, reader = '' }: PostgresRestore,
  programs: PostgresPrograms,
  files: readonly string[],
  scratch: string,
): Promise<string> {
  const args = [
    ...['--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--no-password', '--single-transaction'],
    ...['--variable=ON_ERROR_STOP=1', `--variable=grantee=${grantee}`, `--variable=reader=${reader}`],
    ...files.flatMap((file) => ['--file', file]),
  ]
  return runProgram({ programs, name: 'psql', args, environment: clientEnvironment(owner, scratch), cwd: scratch })
}

/** No gateway may be at it, and what is there has to look as it will, before it is laid aside. */
function beforeText(schema: number | undefined): string {
  return [
    `set client_min_messages = error;`,
    `do $$ begin
       perform pg_advisory_xact_lock(${SCHEMA_LOCK});
       if exists (select from pg_stat_activity where datname = current_database() and application_name = 'portcullis'
         and usename <> session_user) then
         raise exception 'a gateway is connected to this database; stop all of them first';
       end if;
     end $$;`,
    ...(schema === undefined ? [] : [...STEPS.slice(schema), OPENED, ASIDE]),
  ].join('\n;\n')
}

/** Its owner sees no row as long as row-level security is forced. */
const OPENED = `
do $$ declare one record; begin
  for one in select schemaname, tablename from pg_tables where schemaname = 'portcullis'
  loop execute format('alter table %I.%I no force row level security', one.schemaname, one.tablename); end loop;
end $$`

const ASIDE = 'alter schema portcullis rename to portcullis_before'

function afterText({ facts, endsGrants, reader }: PostgresRestore, isThere: boolean): string {
  return [
    `set row_security = on; set search_path = pg_catalog; set client_min_messages = error`,
    ...STEPS.slice(facts.schema),
    `delete from portcullis.schema_version; insert into portcullis.schema_version (version) values (${SCHEMA_VERSION})`,
    'create schema if not exists portcullis_keys',
    KEYS_SCHEMA,
    ...(isThere ? [CARRY_OVER] : []),
    ...(endsGrants ? ['delete from portcullis.grant_entry'] : []),
    ROW_SECURITY,
    `select set_config('portcullis.grantee', :'grantee', true) \\gset ignored_`,
    RIGHTS,
    ...(reader === undefined
      ? []
      : [`select set_config('portcullis.reader', :'reader', true) \\gset ignored_`, READER_RIGHTS]),
    ...(isThere ? [KEPT] : []),
  ].join('\n;\n')
}

/** What was there is nobody's but its owner's from now on. */
const KEPT = `
do $$ declare one record; grantee constant text := current_setting('portcullis.grantee'); begin
  for one in select schemaname, tablename from pg_tables where schemaname = 'portcullis_before'
  loop execute format('alter table %I.%I force row level security', one.schemaname, one.tablename); end loop;
  execute format('revoke all on schema portcullis_before from public, %I', grantee);
  execute format('alter schema portcullis_before rename to %I',
    'portcullis_before_' || to_char(clock_timestamp() at time zone 'utc', 'YYYYMMDD"t"HH24MISSMS'));
end $$;
select 'kept|' || max(nspname::text) from pg_namespace where nspname like 'portcullis\\_before\\_%'`

/** Lines such as `ended|3`. */
function carriedIn(says: string): CarriedOver {
  const sums = { revocations: 0, blocks: 0, ended: 0, used: 0, grants: 0 }
  for (const [, name = '', count] of says.matchAll(/^(revocations|blocks|ended|used|grants)\|(\d+)$/gm))
    sums[name as keyof typeof sums] += Number(count)
  return sums
}
