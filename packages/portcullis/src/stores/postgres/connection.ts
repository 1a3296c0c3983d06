/** Decides how a PostgreSQL is reached: over TLS that proves its name, and without TLS only where the caller has said so. */
import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls'
import type { ClientConfig } from 'pg'
import type { ProveServer } from '../../core/tls-agent.ts'
import { ProvenStream } from './proven-stream.ts'

export interface PostgresAddress {
  /** `postgresql://` with host, port and database; without credentials. */
  readonly url: URL
  /** Folder of a unix socket, in place of the host; then there is no TLS. */
  readonly socket?: string
  readonly username: string
  readonly password?: string
  /** Absent for a server without TLS, which is for the loopback and for sockets. */
  readonly tls?: { readonly ca?: string }
  /** What is asked of the server beside what TLS asks, before anything is sent. Absent: nothing. */
  readonly prove?: ProveServer
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
    ...{ user: username, password: () => password, ...securedBy(address, host) },
    ...{ application_name: 'portcullis', client_encoding: 'UTF8', keepAlive: true },
    options: '-c search_path=portcullis,portcullis_keys,pg_temp -c default_transaction_isolation=read\\ committed',
    ...{ connectionTimeoutMillis: timeoutMs, statement_timeout: timeoutMs, query_timeout: timeoutMs + PATIENCE_MS },
    ...{ lock_timeout: timeoutMs, idle_in_transaction_session_timeout: timeoutMs },
    enableChannelBinding: true,
  }
}

function securedBy(address: PostgresAddress, host: string): Pick<ClientConfig, 'ssl' | 'stream'> {
  const tls = tlsOf(address, host)
  const { prove } = address
  if (tls === false || prove === undefined) return { ssl: tls }
  // The stream agrees upon TLS, so the client must not do so once more.
  return { ssl: false, stream: () => new ProvenStream({ tls, host, prove }) }
}

function tlsOf({ tls, socket }: PostgresAddress, host: string): false | ConnectionOptions {
  if (tls === undefined || socket !== undefined) return false
  return {
    ...tls,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    // By the name in the configuration, whatever the client takes the server to be called.
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
  }
}
