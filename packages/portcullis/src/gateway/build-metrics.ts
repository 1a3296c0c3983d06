/** The listener of metrics: a port of its own, so that who watches the gateway need not be let in where it serves. */
import type { Exporters } from '../audit/export/exporters.ts'
import type { ChainLedger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Witnesses } from '../audit/witness/witnesses.ts'
import { hostInUrl } from '../config/host-in-url.ts'
import { isLoopback } from '../config/loopback.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { KeyPair } from '../pki/key-pair.ts'
import { startRenewal } from '../pki/renewal.ts'
import { listenerTls } from '../pki/tls-options.ts'
import type { Stores } from '../stores/stores.ts'
import { ConnectionGate, FLOOD } from '../traffic/flood.ts'
import { originStage } from '../traffic/origin.ts'
import { Listener } from '../transport/listener.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { ownCertificate } from './own-certificate.ts'
import { metricsDoor } from './metrics-door.ts'
import type { Observation } from './observation.ts'
import { tenantNames } from './tenants.ts'

export interface MetricsListenerParts {
  readonly config: Config
  readonly layout: StateLayout
  readonly clock: Clock
  readonly log: Logger
  readonly environment: Environment
  readonly observation: Observation
}

export interface MetricsListener {
  /** Origin of the listener, such as `https://127.0.0.1:9464`. */
  readonly url: string
  close(): Promise<void>
}

type MetricsConfig = NonNullable<Config['listen']['metrics']>

/** As for those of the main listener; there are fewer who watch. */
const LIMITS = { ...FLOOD, maxConnections: 200, maxConnectionsPerAddress: 50 } as const
const GRACE_MS = 500

/** Prometheus is loaded for whoever asks for it only. Throws what `openListener` throws, and SecretError. */
export async function openMetrics(parts: MetricsListenerParts, metrics: MetricsConfig): Promise<MetricsListener> {
  const { config, layout, clock, log, environment, observation } = parts
  const { exposition } = await import('../audit/metrics/exposition.ts')
  const token = metrics.token && readSecret(metrics.token, environment)
  const obtain = metrics.plaintext === undefined ? ownCertificate(config, layout) : undefined
  const pair = await obtain?.(clock.now())
  // Host has to name its own port, which is not known before it listens.
  let serve: ReturnType<typeof metricsDoor> = () => Promise.reject(new Error('not open yet'))
  const listener = listenerOf(parts, metrics, pair, (exchange) => serve(exchange))
  const port = await listener.listen()
  const origin = originStage({ hosts: hostsOf(metrics, port), defaultPort: pair ? 443 : 80, origins: [] })
  const problems = () => observation.problems()
  const exposed = exposition(() => observation.read())
  serve = metricsDoor({ origin, exposition: exposed, problems, token })
  const onChange = (renewed: KeyPair) => listener.renew(listenerTls(renewed))
  const onFailure = (error: unknown) => log.error('the certificate of the metrics could not be renewed', { error })
  const renewal = pair && obtain && startRenewal({ current: pair, obtain, clock, onChange, onFailure })
  const url = `${pair ? 'https' : 'http'}://${hostInUrl(metrics.host)}:${port}`
  log.info('metrics are served', { url: `${url}/metrics` })
  return {
    url,
    async close() {
      renewal?.stop()
      exposed.close()
      await listener.close(GRACE_MS)
    },
  }
}

function listenerOf(
  { clock }: MetricsListenerParts,
  { host, port }: MetricsConfig,
  pair: KeyPair | undefined,
  serve: ReturnType<typeof metricsDoor>,
): Listener {
  return new Listener({
    ...{ host, port, clock, serve },
    ...(pair && { tls: listenerTls(pair) }),
    limits: LIMITS,
    keepAliveMs: 60_000,
    gate: new ConnectionGate(LIMITS.maxConnectionsPerAddress),
    journal: () => undefined,
  })
}

function hostsOf({ host, allowedHosts }: MetricsConfig, port: number): readonly string[] {
  const loopback = isLoopback(host) ? ['localhost', '127.0.0.1', '[::1]'] : []
  const own = /^(?:0\.0\.0\.0|::)$/.test(host) ? [] : [hostInUrl(host).toLowerCase()]
  return [...[...own, ...loopback].map((name) => `${name}:${port}`), ...allowedHosts]
}

export interface ReadinessParts {
  readonly config: Config
  readonly stores: Pick<Stores, 'health'>
  readonly chains: Pick<ChainLedger, 'intact'>
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly exporters?: Pick<Exporters, 'isBehind'> | undefined
  readonly witnesses?: Pick<Witnesses, 'isBehind'> | undefined
}

/** A gateway that cannot look up a key or write a record refuses everybody; one without an upstream that it needs, many. */
export function readinessOf({
  config,
  stores,
  chains,
  upstreams,
  exporters,
  witnesses,
}: ReadinessParts): () => Promise<readonly string[]> {
  const required = Object.entries(config.upstreams).filter(([, upstream]) => upstream.required)
  return async () => {
    const problems: string[] = []
    await stores.health().catch(() => problems.push('stores'))
    if (!tenantNames(config).every((tenant) => chains.intact(tenant))) problems.push('audit')
    if (exporters?.isBehind === true) problems.push('exporters')
    if (witnesses?.isBehind === true) problems.push('witness')
    if (required.some(([name]) => upstreams.get(name)?.failing === true)) problems.push('upstreams')
    return problems
  }
}
