/** Decides how a PostgreSQL is reached: over TLS that proves its name, and without TLS only where the caller has said so. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { ClientConfig } from 'pg'

export interface PostgresAddress {
  /** `postgresql://` with host, port and database; without credentials. */
  readonly url: URL
  /** Folder of a unix socket, in place of the host; then there is no TLS. */
  readonly socket?: string
  readonly username: string
  readonly password?: string
  /** Absent for a server without TLS, which is for the loopback and for sockets. */
  readonly tls?: { readonly ca?: string }
  /** How long a connection, and each answer, may take, in milliseconds. */
  readonly timeoutMs: number
}

/** The server ends a statement by itself; only when it is gone, too, do we stop waiting. */
const PATIENCE_MS = 1_000

/** Nothing is left to the environment, from which the client would take what is not given. */
export function connection(address: PostgresAddress): ClientConfig {
  const { url, socket, username, password = '', timeoutMs } = address
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return {
    ...{ host: socket ?? host, port: Number(url.port || 5432), database: decodeURIComponent(url.pathname.slice(1)) },
    ...{ user: username, password: () => password, ssl: tlsOf(address, host) },
    ...{ application_name: 'portcullis', client_encoding: 'UTF8', keepAlive: true },
    options: '-c search_path=portcullis,portcullis_keys,pg_temp -c default_transaction_isolation=read\\ committed',
    ...{ connectionTimeoutMillis: timeoutMs, statement_timeout: timeoutMs, query_timeout: timeoutMs + PATIENCE_MS },
    ...{ lock_timeout: timeoutMs, idle_in_transaction_session_timeout: timeoutMs },
    enableChannelBinding: true,
  }
}

function tlsOf({ tls, socket }: PostgresAddress, host: string): Exclude<ClientConfig['ssl'], undefined> {
  if (tls === undefined || socket !== undefined) return false
  return {
    ...tls,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    // By the name in the configuration, whatever the client takes the server to be called.
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
  }
}
