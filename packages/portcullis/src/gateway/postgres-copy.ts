/** Configuration to the copy of a shared store: who may make it, and who may put it back. */
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config, SecretSource } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Contents } from '../data-protection/backup/contents.ts'
import type { PostgresAddress } from '../stores/postgres/connection.ts'
import type { DumpFacts } from '../stores/postgres/dump.ts'
import type { PostgresRestored } from '../stores/postgres/restore.ts'
import { provenAddress, type StoresParts } from './open-stores.ts'

/** The way to the real store. */
export type StoreWay = Omit<StoresParts, 'onProblem' | 'config'> & {
  readonly config: StoresParts['config'] & Pick<Config, 'backup'>
}

/** Makes the copy; undefined where the store is no PostgreSQL, or nobody was named who may read all of it. */
export function postgresDump(way: StoreWay): ((to: string) => Promise<DumpFacts>) | undefined {
  const { postgres } = way.config.backup
  if (way.config.store.kind !== 'postgres' || postgres === undefined) return undefined
  const { username, password, programs } = postgres
  return async (to) => {
    const { dumpPostgres } = await import('../stores/postgres/dump.ts')
    return dumpPostgres({ address: await addressAs(way, { username, password }), programs, to })
  }
}

/** Where PostgreSQL is, as another role than that of the gateways. Rejects as `provenAddress`. */
export async function addressAs(
  { config, environment, prover }: Omit<StoresParts, 'onProblem'>,
  { username, password }: DatabaseRole,
): Promise<PostgresAddress> {
  const { password: _theirs, ...store } = config.store
  const address = await provenAddress({ config: { ...config, store }, environment, prover })
  return {
    ...{ ...address, username },
    ...(password && { password: readSecret(password, environment).reveal() }),
  }
}

export interface DatabaseRole {
  readonly username: string
  readonly password?: SecretSource | undefined
}

export interface PutBack {
  readonly file: string
  readonly facts: DumpFacts
  /** Whether a schema that is there may be replaced. */
  readonly replace: boolean
  readonly endsGrants: boolean
}

/** Puts a copy in the place of what is there. Rejects as `restorePostgres` does. */
export async function putBackPostgres(way: StoreWay, owner: DatabaseRole, put: PutBack): Promise<PostgresRestored> {
  const { restorePostgres } = await import('../stores/postgres/restore.ts')
  const { store, backup } = way.config
  return restorePostgres({
    ...{ ...put, owner: await addressAs(way, owner), grantee: store.username ?? '' },
    ...{ reader: backup.postgres?.username, programs: backup.postgres?.programs },
  })
}

interface PutParts {
  readonly putBack?: ((put: PutBack) => Promise<PostgresRestored>) | undefined
  readonly replace: boolean
  readonly revokeBefore?: number | undefined
}

/** Whatever becomes of it, the folder of the copy does not stay: it is as open as the store. */
export async function putDatabase(
  { putBack, replace, revokeBefore }: PutParts,
  { database }: Pick<Contents, 'database'>,
  file: string,
): Promise<PostgresRestored | 'left alone' | undefined> {
  try {
    if (database === undefined) return undefined
    return (await putBack?.({ file, facts: database, replace, endsGrants: revokeBefore !== undefined })) ?? 'left alone'
  } finally {
    rmSync(dirname(file), { recursive: true, force: true })
  }
}
