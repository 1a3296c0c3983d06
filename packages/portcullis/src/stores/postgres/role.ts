/** Decides whether a gateway may work as the role that it is: only one that row-level security holds, on a schema that has it. */
import type { ClientBase, Pool } from 'pg'
import { StoreError } from '../store-error.ts'
import { newer, SCHEMA_VERSION } from './migrate.ts'

interface Standing {
  readonly role: string
  readonly super: boolean
  readonly bypasses: boolean
  readonly makesRoles: boolean
  readonly copies: boolean
  readonly owns: boolean
  readonly creates: boolean
  readonly reads: boolean
}

/** Also of what it could become by SET ROLE, and of the database, whose owner could take the schema. */
const STANDING = `
  select current_user as role,
    exists (select from pg_roles where rolsuper and pg_has_role(session_user, oid, 'member')) as super,
    exists (select from pg_roles where rolbypassrls and pg_has_role(session_user, oid, 'member')) as bypasses,
    exists (select from pg_roles where rolcreaterole and pg_has_role(session_user, oid, 'member')) as "makesRoles",
    exists (select from pg_roles where (rolreplication
        or rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
      and pg_has_role(session_user, oid, 'member')) as copies,
    exists (select from pg_class where relnamespace in (select oid from pg_namespace where nspname in ('portcullis', 'portcullis_keys'))
        and pg_has_role(session_user, relowner, 'member'))
      or exists (select from pg_namespace where nspname in ('portcullis', 'portcullis_keys')
        and pg_has_role(session_user, nspowner, 'member'))
      or exists (select from pg_database where datname = current_database() and pg_has_role(session_user, datdba, 'member')) as owns,
    exists (select from pg_namespace where nspname in ('portcullis', 'portcullis_keys')
      and has_schema_privilege(session_user, oid, 'create')) as creates,
    exists (select from pg_policy, unnest(polroles) as role (id)
      where polname = 'of_backup' and id <> 0 and pg_has_role(session_user, id, 'member')) as reads`

/** Tables with rows of tenants that are open to whoever may read the table. */
const OPEN_TABLES = `
  select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname in ('portcullis', 'portcullis_keys') and relkind in ('r', 'p')
    and not (relrowsecurity and relforcerowsecurity)
    and (relname in ('grant_entry', 'used_once')
      or exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant' and not attisdropped))`

const PREPARE = 'run: portcullis store prepare, as the owner of the database'

/** Of each new connection. Rejects with StoreError for a replica, whose news may be of any age, and for all else that cannot be written. */
export async function requireWritable(client: Pick<ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ readonly only: boolean }>(
    "select current_setting('transaction_read_only') <> 'off' as only",
  )
  if (rows[0]?.only === false) return
  throw new StoreError('unreachable', 'This PostgreSQL only reads: it is a replica, or was made so.')
}

/** Rejects with StoreError for a schema of another version, a table without row-level security, and a role that it does not hold. */
export async function requireHeldRole(pool: Pool): Promise<void> {
  const { rows: found } = await pool.query<{ readonly there: boolean }>(
    "select to_regclass('portcullis.schema_version') is not null as there",
  )
  if (found[0]?.there !== true) throw new StoreError('unprepared', `The database has no schema portcullis; ${PREPARE}.`)
  await requireRole(pool)
  const { rows: versions } = await pool.query<{ readonly version: number }>(
    'select version from portcullis.schema_version',
  )
  const version = versions[0]?.version ?? 0
  if (version > SCHEMA_VERSION) throw newer(version)
  if (version < SCHEMA_VERSION)
    throw new StoreError(
      'unprepared',
      `The schema portcullis has version ${version}, not ${SCHEMA_VERSION}; ${PREPARE}.`,
    )
  const { rows: open } = await pool.query<{ readonly name: string }>(OPEN_TABLES)
  if (open.length > 0)
    throw new StoreError(
      'unsafe_role',
      `${open.map(({ name }) => name).join(', ')} has no row-level security; ${PREPARE}.`,
    )
}

async function requireRole(pool: Pool): Promise<void> {
  const { rows } = await pool.query<Standing>(STANDING)
  const [standing] = rows
  if (standing === undefined) throw new StoreError('unsafe_role', 'PostgreSQL does not say who we are.')
  const reasons = [
    standing.super && 'is a superuser',
    standing.bypasses && 'has BYPASSRLS',
    standing.makesRoles && 'may make roles, and so become any of them',
    standing.copies && 'reaches the files of the server, or may replicate them',
    standing.owns && 'owns the tables, their schema or the database',
    standing.creates && 'may create in the schema',
    standing.reads && 'reads the rows of all tenants, as the role that makes backups does',
  ].filter((reason) => reason !== false)
  if (reasons.length === 0) return
  const says = `The role ${standing.role} ${reasons.join(' and ')}, itself or by a role that it belongs to`
  throw new StoreError('unsafe_role', `${says}: row-level security would not hold it. Use a role of its own.`)
}
