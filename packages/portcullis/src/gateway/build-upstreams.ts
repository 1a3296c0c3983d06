import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import type { Secret } from '../core/secret.ts'
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config, HttpConfig, StdioConfig, UpstreamConfig } from '../config/schema.ts'
import { policyFiles } from '../config/check-files.ts'
import { readSecret } from '../config/secret-source.ts'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DriverName, LaunchSpec, SandboxDriver } from '../sandbox/driver.ts'
import { upstreamIdentity } from '../sandbox/identity.ts'
import { selectDriver } from '../sandbox/select.ts'
import { scopeOfPrincipal } from '../upstream/access/holder.ts'
import { type Connector, HttpConnector, StdioConnector } from '../upstream/connector.ts'
import { HttpPool } from '../upstream/http-pool.ts'
import type { Parse } from '../upstream/link.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { Access } from './build-access.ts'
import { PRODUCT } from './product.ts'

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
  /** Credentials that are not the same for everybody. */
  readonly access: Access
}

export type Drivers = ReadonlyMap<DriverName, SandboxDriver>

/** The upstreams of the configuration, none of them connected yet. Rejects as `drivers` does. */
export async function buildUpstreams(parts: UpstreamParts): Promise<ReadonlyMap<string, Upstream>> {
  const drivers = await parts.drivers
  const entries = Object.entries(parts.config.upstreams)
  return new Map(entries.map(([name, upstream], slot) => [name, buildUpstream(parts, drivers, name, upstream, slot)]))
}

/**
 * The sandbox drivers that the upstreams need, each proved on this host. Rejects with `sandbox.unavailable` when one of
 * them cannot hold its walls here. No server sees what is `hidden`, whatever it was opened to.
 */
export async function selectDrivers(config: Config, hidden: readonly string[], log: Logger): Promise<Drivers> {
  const drivers = new Map<DriverName, SandboxDriver>()
  for (const { stdio } of Object.values(config.upstreams)) {
    const name = stdio?.sandbox.driver
    if (name === undefined || drivers.has(name)) continue
    const { driver, probe } = await selectDriver(name, { hidden })
    log.debug('sandbox driver chosen', { driver: name, version: probe.version, enforces: probe.enforces })
    // What the operator has set and this host cannot hold must not go unsaid; `none` is among the weaknesses already.
    if (name !== 'none' && probe.enforces.memory !== 'cgroup')
      log.warn('this host cannot limit the memory of upstream processes', { key: 'sandbox.memoryMiB', driver: name })
    drivers.set(name, driver)
  }
  return drivers
}

/**
 * What belongs to the gateway and may lie in a folder that an upstream is shown: state, records, configuration, policies
 * and every file with a secret of ours. The secrets of a server's own environment are its own.
 */
export function gatewayPaths(config: Config, configFile: string): readonly string[] {
  const { key } = config.listen.tls ?? {}
  const headers = Object.values(config.upstreams).flatMap(({ http }) => Object.values(http?.headers ?? {}))
  const clients = Object.values(config.upstreams).flatMap(({ http }) => [http?.oauth?.client?.secret, http?.exchange?.client.secret])
  const secrets = [...headers, ...clients].map((source) => source?.file)
  const files = [config.audit.folder, config.audit.log.file, key?.file, ...secrets]
  const all = [resolve(configFile), ...policyFiles(config), ...files.filter((file) => file !== undefined)]
  return [config.state, ...all.filter((path) => !path.startsWith(`${config.state}/`))]
}

function buildUpstream(
  parts: UpstreamParts,
  drivers: Drivers,
  name: string,
  upstream: UpstreamConfig,
  slot: number,
): Upstream {
  const { config, clock } = parts
  const connector = upstream.stdio
    ? stdioConnector(parts, drivers, name, upstream.stdio, slot)
    : httpConnector(parts, name, upstream.http as HttpConfig)
  return new Upstream({
    name,
    connector,
    clock,
    era: upstream.era,
    gateway: PRODUCT,
    gatewayScope: upstream.stdio?.process === 'per-principal' ? 'gateway' : 'shared',
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
    maxLinks: config.limits.concurrency.total,
    idleSeconds: upstream.stdio?.deadlines.idleSeconds ?? 300,
  })
}

/** Which calls may meet in one process (MCP stdio has no other way to keep principals apart). */
export function scopeOf(config: Config, principal: Principal, upstream: string): string {
  const sharing = config.upstreams[upstream]?.stdio?.process
  if (config.upstreams[upstream]?.http !== undefined) return scopeOfPrincipal(principal)
  if (sharing === 'shared') return 'shared'
  if (sharing === 'per-tenant') return `tenant ${principal.tenant}`
  return `principal ${principal.tenant}\n${principal.id}`
}

function httpConnector(parts: UpstreamParts, name: string, http: HttpConfig): Connector {
  const { config, environment, parse, access } = parts
  const maxBytes = config.limits.maxBodyBytes
  const credentials = Object.entries(http.headers).map(([header, source]) => [header, readSecret(source, environment)])
  const pool = new HttpPool({
    url: new URL(http.url),
    ...(http.tls.ca !== undefined && { ca: readFileSync(http.tls.ca, 'utf8') }),
    maxConnections: http.maxConnections,
    maxStreams: 1024,
    maxPending: config.limits.concurrency.total * 2,
    connectTimeoutMs: 10_000,
    headersTimeoutMs: config.limits.callSeconds * 1_000,
    idleTimeoutMs: config.limits.callSeconds * 1_000,
    maxResponseBytes: maxBytes + HEAD_ROOM_BYTES,
  })
  const sourceOf = access.sourceOf(name, http, pool)
  return new HttpConnector({
    pool,
    ...(sourceOf && { sourceOf }),
    credentials: Object.fromEntries(credentials) as Record<string, Secret>,
    parse,
    maxMessageBytes: maxBytes,
    gateway: PRODUCT,
  })
}

function stdioConnector(
  parts: UpstreamParts,
  drivers: Drivers,
  name: string,
  stdio: StdioConfig,
  slot: number,
): Connector {
  const driver = drivers.get(stdio.sandbox.driver) as SandboxDriver
  const spec = launchSpec(parts, stdio, slot)
  return new StdioConnector({
    parse: parts.parse,
    gateway: PRODUCT,
    probeTimeoutMs: Math.min(10_000, stdio.deadlines.startSeconds * 1_000),
    startTimeoutMs: stdio.deadlines.startSeconds * 1_000,
    maxWaitingBytes: 16 * MIB,
    maxWaitingMessages: 1_024,
    async spawn(scope) {
      const process = await driver.launch(spec)
      const facts = { upstream: name, scope, pid: process.pid }
      parts.log.info('upstream process started', facts)
      process.onStderr((chunk) =>
        parts.log.debug('upstream said', { upstream: name, text: chunk.toString('utf8').trim() }),
      )
      void process.exited.then(({ code, signal, reason }) =>
        parts.log.info('upstream process ended', { ...facts, code, signal, reason }),
      )
      return process
    },
  })
}

function launchSpec({ config, environment }: UpstreamParts, stdio: StdioConfig, slot: number): LaunchSpec {
  const { sandbox, deadlines } = stdio
  const env = Object.entries(stdio.env).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : readSecret(value, environment),
  ])
  return {
    command: stdio.command,
    args: stdio.args,
    env: Object.fromEntries(env) as Record<string, string | Secret>,
    ...(stdio.cwd !== undefined && { cwd: stdio.cwd }),
    readOnly: sandbox.read,
    readWrite: sandbox.write,
    ...(process.getuid?.() === 0 && { runAs: upstreamIdentity(slot) }),
    network: 'none',
    limits: {
      memoryBytes: sandbox.memoryMiB * MIB,
      processes: sandbox.processes,
      openFiles: sandbox.openFiles,
      fileBytes: sandbox.fileMiB * MIB,
      tmpBytes: sandbox.tmpMiB * MIB,
      maxLineBytes: config.limits.maxBodyBytes,
      maxStderrBytes: MIB,
      stdinBacklogBytes: 16 * MIB,
      outputBytesPerSecond: 256 * MIB,
      lifeMs: deadlines.lifeSeconds * 1_000,
    },
  }
}
