/** Decides when the schema is changed: by its owner, one at a time, all of it or nothing. A gateway never does it itself. */
import type { Client } from 'pg'
import { StoreError } from '../store-error.ts'
import { connection, type PostgresAddress } from './connection.ts'
import { READER_RIGHTS, RIGHTS, ROW_SECURITY } from './row-security.ts'
import { STEPS } from './steps.ts'
import { unreachable } from './unreachable.ts'

/** Any number that all releases share. */
export const SCHEMA_LOCK = 7_205_759_403

/** How long a gateway waits for the database is set for its callers; whoever prepares it has the time. */
const CONNECT_MS = 30_000

export interface Prepared {
  readonly before: number
  readonly after: number
}

/** The version that a schema needs for this release. */
export const SCHEMA_VERSION: number = STEPS.length

/**
 * Brings the schema to our version as its owner, and lets `grantee`, the role of the gateways, use it, and `reader`, the role
 * that makes backups, read it. Safe to repeat, and to run twice at once. Rejects with StoreError, or with what PostgreSQL says.
 */
export async function preparePostgres(owner: PostgresAddress, grantee: string, reader?: string): Promise<Prepared> {
  const { Client } = (await import('pg')).default
  const patient = { connectionTimeoutMillis: CONNECT_MS, statement_timeout: 0, query_timeout: 0, lock_timeout: 60_000 }
  const client = new Client({ ...connection(owner), ...patient })
  client.on('error', () => {})
  await client.connect().catch((thrown: unknown) => Promise.reject(unreachable(owner, thrown)))
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [SCHEMA_LOCK])
    const prepared = await migrated(client)
    await client.query(ROW_SECURITY)
    await client.query("select set_config('portcullis.grantee', $1, true)", [grantee])
    await client.query(RIGHTS)
    if (reader !== undefined) {
      await client.query("select set_config('portcullis.reader', $1, true)", [reader])
      await client.query(READER_RIGHTS)
    }
    await client.query('commit')
    return prepared
  } finally {
    await client.end()
  }
}

async function migrated(client: Client): Promise<Prepared> {
  await client.query(`
    create schema if not exists portcullis;
    create schema if not exists portcullis_keys;
    create table if not exists portcullis.schema_version (version integer not null);`)
  const before = await versionIn(client)
  if (before > STEPS.length) throw newer(before)
  for (const step of STEPS.slice(before)) await client.query(step)
  await client.query('delete from portcullis.schema_version')
  await client.query('insert into portcullis.schema_version (version) values ($1)', [STEPS.length])
  return { before, after: STEPS.length }
}

async function versionIn(client: Client): Promise<number> {
  const { rows } = await client.query<{ readonly version: number }>('select version from portcullis.schema_version')
  return rows[0]?.version ?? 0
}

export function newer(version: number): StoreError {
  const versions = `version ${version}, and this release knows versions up to ${STEPS.length}`
  return new StoreError('newer_version', `The schema portcullis has ${versions}; run the newer release.`)
}
