/** Permits that all nodes take from one Redis: one round trip for all that a step asks for. */
import { isIP } from 'node:net'
import { Redis, type RedisOptions as ClientOptions } from 'ioredis'
import { retryAfter } from '../../traffic/debt.ts'
import type { ProveServer } from '../../core/tls-agent.ts'
import type { RateStore, RateVerdict, Taking } from '../../traffic/rate-store.ts'
import { provenConnector } from './proven-connector.ts'
import { RATE_SCRIPT } from './rate-script.ts'

export interface RedisOptions {
  /** `rediss://` or `redis://` with host, port and the number of the database; without credentials. */
  readonly url: URL
  readonly username?: string
  readonly password?: string
  /** Absent for a server without TLS. */
  readonly tls?: { readonly ca?: string; readonly key?: string; readonly cert?: string }
  /** What has to be true of a server with TLS beside what the platform asks. */
  readonly prove?: ProveServer
  readonly connectTimeoutMs: number
  /** After this a command has failed, though Redis may still run it: then permits are gone that nobody used. */
  readonly commandTimeoutMs: number
  /** Told about each lost connection and each failed attempt to get a new one. */
  readonly onProblem: (error: unknown) => void
  /** In place of the clock of the server, for tests. */
  readonly clock?: { now(): number }
}

interface Scripted {
  portcullisTake(keys: number, ...words: readonly (string | number)[]): Promise<readonly [at: number, ms: string]>
}

type ConnectionPlace = Pick<ClientOptions, 'host' | 'port' | 'tls' | 'Connector'>

const KEYS = 'portcullis:rate:'
const MAX_PAUSE_MS = 2_000

/** For one server, or one with replicas, whose first node is asked. Nothing is kept of what was asked while it is away. */
export class RedisRateStore implements RateStore {
  readonly #redis: Redis & Scripted
  readonly #clock: RedisOptions['clock']
  #problem: unknown

  constructor(options: RedisOptions) {
    const { url, username, password, connectTimeoutMs, commandTimeoutMs, onProblem, clock } = options
    const redis = new Redis({
      ...{ ...placeOf(options), db: Number(url.pathname.slice(1) || 0) },
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...{ connectTimeout: connectTimeoutMs, commandTimeout: commandTimeoutMs, lazyConnect: true },
      // A call must not wait for a connection, and a permit must not be taken twice.
      ...{ enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 },
      retryStrategy: (attempt) => Math.min(MAX_PAUSE_MS, 50 * 2 ** Math.min(attempt, 10)),
    })
    redis.on('error', (error) => {
      this.#problem = error
      onProblem(error)
    })
    redis.defineCommand('portcullisTake', { lua: RATE_SCRIPT })
    this.#redis = redis as unknown as Redis & Scripted
    this.#clock = clock
  }

  /** Rejects when there is no connection, or the server does not let us ask; it goes on trying all the same. */
  async open(): Promise<void> {
    try {
      await this.#redis.connect()
      await this.#redis.ping()
    } catch (thrown) {
      // What a closed connection is closed for was said before.
      throw this.#problem ?? thrown
    }
  }

  async take(takings: readonly Taking[]): Promise<RateVerdict> {
    const keys = takings.map(({ key }) => KEYS + key)
    const numbers = takings.flatMap(({ cost, rule }) => [cost, rule.permits, rule.perSeconds * 1_000, rule.burst])
    const now = this.#clock === undefined ? '' : this.#clock.now()
    const [at, ms] = await this.#redis.portcullisTake(keys.length, ...keys, ...numbers, now)
    if (at === 0) return { allowed: true }
    const refused = takings[at - 1]
    if (refused === undefined) throw new Error('Redis did not answer what it was asked')
    return { allowed: false, key: refused.key, retryAfterSeconds: retryAfter(Number(ms)) }
  }

  close(): void {
    this.#redis.disconnect()
  }
}

function placeOf({ url, tls, prove, connectTimeoutMs }: RedisOptions): ConnectionPlace {
  const place = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 6379) }
  if (tls === undefined) return place
  const secure = { ...tls, minVersion: 'TLSv1.3', rejectUnauthorized: true } as const
  if (prove === undefined) return { ...place, tls: secure }
  const servername = isIP(place.host) === 0 ? { servername: place.host } : {}
  const proof = { tls: { ...place, ...secure, ...servername }, prove, timeoutMs: connectTimeoutMs }
  return { ...place, tls: secure, Connector: provenConnector(proof) }
}
