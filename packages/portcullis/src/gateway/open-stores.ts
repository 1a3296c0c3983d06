/** Configuration to the store: in this process, in a file of this machine, or in a PostgreSQL that several gateways share. */
import { readFileSync } from 'node:fs'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { PostgresAddress } from '../stores/postgres/connection.ts'
import type { Stores } from '../stores/stores.ts'
import { trusting } from './trusted-server.ts'

export interface StoresParts {
  readonly config: Pick<Config, 'store' | 'state' | 'audit'>
  readonly environment: Environment
  /** Asked for a store that is reached over TLS alone. */
  readonly prover: () => Promise<Prover>
  /** Told about each connection that was lost. */
  readonly onProblem: (error: unknown) => void
}

/** Rejects with StoreError and SecretError. */
export async function openStores({ config, environment, prover, onProblem }: StoresParts): Promise<Stores> {
  const { store } = config
  if (store.kind === 'memory') return (await import('../stores/memory/open.ts')).openMemoryStores()
  if (store.kind === 'sqlite')
    return (await import('../stores/sqlite/open.ts')).openSqliteStores({ path: stateLayout(config).store })
  const { openPostgresStores } = await import('../stores/postgres/open.ts')
  const address = await provenAddress({ config, environment, prover })
  return openPostgresStores({ ...address, maxConnections: store.connections, onProblem })
}

/** As `postgresAddress`, with what proves the server. Rejects as it throws, and with PkiError for a list in a file. */
export async function provenAddress({ config, environment, prover }: Omit<StoresParts, 'onProblem'>) {
  const address = postgresAddress(config, environment)
  if (address.tls === undefined) return address
  const { ca } = address.tls
  return { ...address, prove: trusting(await prover(), 'store', ca).prove }
}

/** Where PostgreSQL is, and as whom it is used. Throws SecretError, and the system's error for authorities that cannot be read. */
export function postgresAddress({ store }: Pick<Config, 'store'>, environment: Environment): PostgresAddress {
  const { url, username, socket, password, ca, plaintext, timeoutMs } = store
  // The configuration has refused a store of this kind without them.
  if (url === undefined || username === undefined) throw new TypeError('PostgreSQL without url or username')
  return {
    ...{ url: new URL(url), username, timeoutMs },
    ...(socket !== undefined && { socket }),
    ...(password && { password: readSecret(password, environment).reveal() }),
    ...(plaintext === undefined &&
      socket === undefined && { tls: ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') } }),
  }
}
