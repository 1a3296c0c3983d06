import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Secret } from '../core/secret.ts'
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config, HttpConfig, StdioConfig, UpstreamConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import { readFileSync } from 'node:fs'
import { upstreamIdentity } from '../sandbox/identity.ts'
import { type Connector, HttpConnector } from '../upstream/connector.ts'
import type { WatchPeer } from '../upstream/http1/connection.ts'
import { HttpPool } from '../upstream/http-pool.ts'
import type { Parse } from '../upstream/link.ts'
import { StdioConnector } from '../upstream/stdio-connector.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { Access } from './build-access.ts'
import type { Judge } from '../upstream/judge.ts'
import { type Drivers, volumeFolder, type Walls, withAuthority } from './build-sandbox.ts'
import { codeConnector } from './build-code.ts'
import { type LaunchFacts, launchSpec, volumeSpecs } from './launch-spec.ts'
import type { Processes } from './processes.ts'
import type { Signatures } from './signed-messages.ts'
import type { LinkPlace } from './observed-link.ts'
import { PRODUCT } from './product.ts'
import type { Validation } from './build-validation.ts'

const MIB = 1_048_576
/** Room for what travels around a message of the allowed size. */
const HEAD_ROOM_BYTES = 65_536

export interface UpstreamParts {
  readonly config: Config
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Logger
  /** Strict parser for what upstreams send. */
  readonly parse: Parse
  readonly drivers: Promise<Drivers>
  readonly processes: Processes
  /** Credentials that are not the same for everybody. */
  readonly access: Access
  /** Who says what of an upstream's words is passed on. Undefined: nobody has to. */
  readonly judgeOf: (upstream: string) => Judge | undefined
  readonly validation: Validation
  /** What is signed for upstreams, and what they have to sign. */
  readonly signatures: Signatures
  /** Hears of every request to an upstream; absent where nobody does. */
  readonly observe?: ((connector: Connector, place: LinkPlace) => Connector) | undefined
}

/** The upstreams of the configuration, none of them connected yet. Rejects as `drivers` does. */
export async function buildUpstreams(parts: UpstreamParts): Promise<ReadonlyMap<string, Upstream>> {
  const drivers = await parts.drivers
  const watches = await buildWatches(parts)
  const entries = Object.entries(parts.config.upstreams)
  const build = ([name, upstream]: [string, UpstreamConfig], slot: number) =>
    [name, buildUpstream({ ...parts, watches }, drivers, name, upstream, slot)] as const
  return new Map(entries.map(build))
}

type Watches = { readonly watches: ReadonlyMap<string, WatchPeer> }

/** What looks at the certificate of each upstream over https. Rejects with PkiError for a revocation list that cannot be used. */
async function buildWatches({ config, validation }: UpstreamParts): Promise<ReadonlyMap<string, WatchPeer>> {
  const watches = new Map<string, WatchPeer>()
  for (const [name, { http }] of Object.entries(config.upstreams)) {
    if (http?.url.startsWith('https:') === true) watches.set(name, await validation.server(name, http.url, http.tls))
  }
  return watches
}

function buildUpstream(
  parts: UpstreamParts & Watches,
  drivers: Drivers,
  name: string,
  upstream: UpstreamConfig,
  slot: number,
): Upstream {
  const { config, clock } = parts
  const judge = parts.judgeOf(name)
  const opened = buildConnector(parts, drivers.get(name), name, upstream, slot)
  const connector = parts.observe?.(opened, placeOf(name, upstream)) ?? opened
  return new Upstream({
    name,
    connector,
    ...(judge && { judge }),
    clock,
    era: upstream.era,
    gateway: PRODUCT,
    gatewayScope: upstream.http || upstream.stdio?.process === 'shared' ? 'shared' : 'gateway',
    owner: upstream.stdio?.process === 'per-principal' ? 'one' : 'many',
    catalogue: {
      ttlSeconds: 60,
      maxStaleSeconds: 600,
      minRefreshSeconds: 1,
      maxPages: 200,
      maxTools: 10_000,
      maxBytes: 64 * MIB,
    },
    ownTimeoutMs: (upstream.stdio?.deadlines.startSeconds ?? 30) * 1_000,
    // One for each call under way, and the gateway's own.
    maxLinks: config.limits.concurrency.total + 1,
    idleSeconds: upstream.stdio?.deadlines.idleSeconds ?? 300,
  })
}

const placeOf = (upstream: string, { http }: UpstreamConfig): LinkPlace =>
  http === undefined
    ? { upstream, transport: 'pipe' }
    : { upstream, transport: 'tcp', host: new URL(http.url).hostname }

/** `slot` gives the upstream its account on a host where the gateway may change it. */
function buildConnector(
  parts: UpstreamParts & Watches,
  walls: Walls | undefined,
  name: string,
  { stdio, http, code }: UpstreamConfig,
  slot: number,
): Connector {
  const { config, environment } = parts
  if (http !== undefined) return httpConnector(parts, name, http)
  if (walls === undefined) throw new Fault('internal', { reason: 'an upstream without walls', upstream: name })
  const facts: LaunchFacts = {
    environment,
    runAs: process.getuid?.() === 0 ? upstreamIdentity(slot) : undefined,
    maxBodyBytes: config.limits.maxBodyBytes,
  }
  if (code !== undefined) return codeConnector({ ...parts, name, code, walls, facts, limits: config.limits })
  return stdioConnector(parts, walls, name, stdio as StdioConfig, facts)
}

function httpConnector(parts: UpstreamParts & Watches, name: string, http: HttpConfig): Connector {
  const { config, environment, parse, access } = parts
  const watchPeer = parts.watches.get(name)
  const maxBytes = config.limits.maxBodyBytes
  const credentials = Object.entries(http.headers).map(([header, source]) => [header, readSecret(source, environment)])
  const pool = new HttpPool({
    url: new URL(http.url),
    ...(http.tls.ca !== undefined && { ca: readFileSync(http.tls.ca, 'utf8') }),
    ...(watchPeer && { watchPeer }),
    maxConnections: http.maxConnections,
    maxStreams: 1024,
    maxPending: config.limits.concurrency.total * 2,
    connectTimeoutMs: 10_000,
    headersTimeoutMs: config.limits.callSeconds * 1_000,
    idleTimeoutMs: config.limits.callSeconds * 1_000,
    maxResponseBytes: maxBytes + HEAD_ROOM_BYTES,
  })
  const sourceOf = access.sourceOf(name, http, pool)
  const signed = parts.signatures.senderOf(name, new URL(http.url))
  return new HttpConnector({
    pool,
    ...(sourceOf && { sourceOf }),
    ...(signed && { signed }),
    credentials: Object.fromEntries(credentials) as Record<string, Secret>,
    parse,
    maxMessageBytes: maxBytes,
    gateway: PRODUCT,
  })
}

function stdioConnector(
  parts: UpstreamParts,
  walls: Walls,
  name: string,
  stdio: StdioConfig,
  facts: LaunchFacts,
): Connector {
  const { config, clock, log, processes, signatures } = parts
  const spec = launchSpec(stdio, facts)
  const about = { upstream: name }
  return new StdioConnector({
    parse: parts.parse,
    gateway: PRODUCT,
    probeTimeoutMs: Math.min(10_000, stdio.deadlines.startSeconds * 1_000),
    startTimeoutMs: stdio.deadlines.startSeconds * 1_000,
    maxWaitingBytes: 16 * MIB,
    maxWaitingMessages: 1_024,
    async spawn(scope, owner) {
      const volumes = volumeSpecs(stdio.sandbox, volumeFolder(config, name, scope))
      const fresh = await withAuthority({ ...spec, volumes }, clock)
      return signatures.processOf(name, await processes.start({ upstream: name, owner, walls, spec: fresh }))
    },
    onViolation(owner, violation) {
      log.warn('an upstream breaks the protocol', { ...about, violation })
      processes.offended(owner, violation)
    },
    warm: {
      clock,
      processes: stdio.warm,
      idleMs: stdio.deadlines.idleSeconds * 1_000,
      onFailure: (error) => log.warn('no process could be made ready', { ...about, error }),
    },
  })
}
