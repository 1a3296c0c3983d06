/** Decides how a copy of PostgreSQL is tried in a drill: in a server of its own, which never sees the real one. */
import type { Config } from '../config/schema.ts'
import type { Contents } from '../data-protection/backup/contents.ts'
import type { PostgresRestored } from '../stores/postgres/restore.ts'
import type { ScratchServer } from '../stores/postgres/scratch-server.ts'
import type { DrillDatabase } from './drill-config.ts'
import type { PutBack } from './postgres-copy.ts'

export interface TriedDatabase {
  readonly store: DrillDatabase
  putBack(put: PutBack): Promise<PostgresRestored>
  close(): Promise<void>
}

/** Undefined where the backup holds no copy. Rejects with StoreError where PostgreSQL is not here. */
export async function drillDatabase(
  { database }: Pick<Contents, 'database'>,
  scratch: string,
  live: Pick<Config, 'backup'> | undefined,
): Promise<TriedDatabase | undefined> {
  if (database === undefined) return undefined
  const programs = live?.backup.postgres?.programs
  const { startScratchServer } = await import('../stores/postgres/scratch-server.ts')
  const server = await startScratchServer({ beside: scratch, server: database.server, programs })
  const { url, socket, grantee } = server
  return {
    store: { kind: 'postgres', url, socket, username: grantee },
    putBack: (put) => putInto(server, put, programs),
    close: () => server.close(),
  }
}

async function putInto(server: ScratchServer, put: PutBack, programs: string | undefined) {
  const { restorePostgres } = await import('../stores/postgres/restore.ts')
  return restorePostgres({ ...put, owner: server.address(server.owner), grantee: server.grantee, programs })
}
