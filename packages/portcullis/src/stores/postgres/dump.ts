/** Decides how the shared store is copied while it is written: by `pg_dump`, as a role that reads the rows of all tenants and no keys of theirs. */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Client } from 'pg'
import { StoreError } from '../store-error.ts'
import { connection, type PostgresAddress } from './connection.ts'
import { newer, SCHEMA_VERSION } from './migrate.ts'
import { clientEnvironment, findPrograms, runProgram } from './programs.ts'
import { unreachable } from './unreachable.ts'

export interface DumpFacts {
  /** Version of PostgreSQL, such as 17. */
  readonly server: number
  /** Version of the schema. */
  readonly schema: number
}

export interface DumpParts {
  /** As the role that makes backups. */
  readonly address: PostgresAddress
  /** Folder of the programs; absent: they are looked for. */
  readonly programs?: string | undefined
  /** New file of the copy. Its folder is ours alone, and empty but for this. */
  readonly to: string
}

/** Copies the schema as it is at one moment into a new file, mode 0600. Rejects with StoreError, and with what PostgreSQL says. */
export async function dumpPostgres({ address, programs: named, to }: DumpParts): Promise<DumpFacts> {
  const before = await factsOf(address)
  const programs = await findPrograms(['pg_dump'], before.server, named)
  closeSync(openSync(to, 'wx', 0o600))
  const environment = clientEnvironment(address, dirname(to))
  await runProgram({ programs, name: 'pg_dump', args: [...ARGS, '--file', to], environment, cwd: dirname(to) })
  const after = await factsOf(address)
  if (after.schema !== before.schema)
    throw new StoreError('unprepared', 'The schema was changed while it was copied; make the backup again.')
  return before
}

/** With row-level security: without it `pg_dump` asks for a role that no rule holds. `factsOf` has seen that ours reads every row. */
const ARGS: readonly string[] = [
  ...['--format=custom', '--schema=portcullis', '--enable-row-security', '--no-owner', '--no-privileges'],
  ...['--no-publications', '--no-subscriptions', '--no-comments', '--no-security-labels', '--lock-wait-timeout=30000'],
  '--no-password',
]

interface Standing {
  readonly server: number
  readonly role: string
  readonly hidden: readonly string[] | null
  readonly keys: boolean
}

/** Tables of which this role would see no row, or not each. */
const STANDING = `
  select current_setting('server_version_num')::integer / 10000 as server, current_user as role,
    (select array_agg(relname::text order by relname) from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'portcullis' and relkind in ('r', 'p') and (
        not has_table_privilege(pg_class.oid, 'select')
        or relrowsecurity and not exists (
          select from pg_policy where polrelid = pg_class.oid and polname = 'of_backup'
            and polroles @> array[(select oid from pg_roles where rolname = current_user)]))) as hidden,
    exists (select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'portcullis_keys' and relkind in ('r', 'p')
        and has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select')) as keys`

async function factsOf(address: PostgresAddress): Promise<DumpFacts> {
  const { Client } = (await import('pg')).default
  const client = new Client(connection(address))
  client.on('error', () => {})
  await client.connect().catch((thrown: unknown) => Promise.reject(unreachable(address, thrown)))
  try {
    return await examined(client)
  } finally {
    await client.end()
  }
}

async function examined(client: Client): Promise<DumpFacts> {
  const { rows } = await client.query<Standing>(STANDING)
  const { server = 0, role = '', hidden = null, keys = false } = rows[0] ?? {}
  const prepare = 'run: portcullis store prepare, with backup.postgres in the configuration'
  if (hidden !== null)
    throw new StoreError(
      'unprepared',
      `The role ${role} does not see every row of ${hidden.join(', ')}, so that its copy would not be whole; ${prepare}.`,
    )
  if (keys)
    throw new StoreError(
      'unsafe_role',
      `The role ${role} reads the keys of tenants, which no backup may hold; ${prepare}.`,
    )
  const { rows: versions } = await client
    .query<{ readonly version: number }>('select version from portcullis.schema_version')
    .catch((thrown: unknown) => {
      throw new StoreError('unprepared', `The role ${role} finds no schema portcullis; ${prepare}.`, thrown)
    })
  const schema = versions[0]?.version ?? 0
  if (schema > SCHEMA_VERSION) throw newer(schema)
  if (schema < SCHEMA_VERSION)
    throw new StoreError('unprepared', `The schema portcullis is of version ${schema}; ${prepare}.`)
  return { server, schema }
}
