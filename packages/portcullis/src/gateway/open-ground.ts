/** Decides what everything else stands on, and in which order it is opened: the port, the records, the store, and who is believed. */
import type { SegmentGuard } from '../audit/retention-guard.ts'
import type { Logger } from '../audit/log.ts'
import { measuredLedger } from '../audit/metrics/measured-ledger.ts'
import { type Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { type StateLayout, stateLayout } from '../config/state-layout.ts'
import { type Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import type { Prover } from '../core/tls-agent.ts'
import { type RevocationList } from '../identity/revocation.ts'
import { privateFolder } from '../pki/private-file.ts'
import type { Stores } from '../stores/stores.ts'
import { buildAnomalies } from './build-anomalies.ts'
import { Backups } from './build-backups.ts'
import { buildAuthorizationServer } from './build-authorization-server.ts'
import { buildIdentity } from './build-identity.ts'
import { Access } from './build-access.ts'
import { openListener } from './build-listener.ts'
import { type MetricsListenerParts, openMetrics } from './build-metrics.ts'
import { payloadMask } from './build-masking.ts'
import { buildPayloads } from './build-payloads.ts'
import { buildRetention } from './build-retention.ts'
import { anomalyBlocks, buildTraffic, trafficReadings } from './build-traffic.ts'
import { eventual } from './eventual-ledger.ts'
import { certificateHolder, tellRevoked } from './certificate-revocation.ts'
import { openKeys } from './open-keys.ts'
import { openRecords } from './open-records.ts'
import { openSignatures } from './open-signatures.ts'
import { openStores } from './open-stores.ts'
import { sharedNonceKey } from './shared-token-keys.ts'
import { openTelemetry, type Voices } from './open-telemetry.ts'
import { Gate } from './gate.ts'
import { Observation } from './observation.ts'

/** What was started, each with how it ends; the last one ends first. */
export type Started = Array<() => Promise<void> | void>

/** How long calls under way may take to finish when the gateway ends, in milliseconds. */
export const GRACE_MS = 10_000

export interface GroundParts {
  readonly config: Config
  readonly configFile: string
  readonly log: Logger
  /** Absent: nobody else hears what is logged. */
  readonly voices?: Voices
  readonly clock: Clock
  readonly environment: Environment
}

export type Ground = Awaited<ReturnType<typeof openGround>>

/** Rejects with what keeps one of them from being opened; what was opened by then is in `started`. */
export async function openGround(parts: GroundParts, started: Started) {
  const { config, log, clock, environment } = parts
  const layout = stateLayout(config)
  privateFolder(config.state)
  const gate = new Gate()
  const listener = await openListener(config, layout, clock, log, gate)
  started.push(() => listener.close(GRACE_MS))
  const prover = await listener.validation.outbound()
  const told = { config, layout, clock, log, environment, prover }
  const watch = await openWatch(told, started)
  const { told: ownLog = log, tap } = parts.voices ?? {}
  const telemetry = await openTelemetry({ ...told, log: ownLog, tap }, watch.observation)
  if (telemetry) started.push(() => telemetry.close())
  const records = await openRecords(told, watch.observation, started)
  const stores = await openStores({
    config,
    environment,
    prover: async () => prover,
    onProblem: (error) => log.warn('the store does not answer', { error }),
  })
  started.push(() => stores.close())
  await listener.issuance.recordIn(records.chains)
  const kept = { ...parts, layout, stores, chains: records.chains, exporters: records.exporters, watch, prover }
  const vault = await openVault(kept, started)
  const { anomalies, traffic, ledger } = await openConduct(kept, started)
  const common = { config, stores, clock, log, publicUrl: listener.url, prover }
  const sealing = { keyring: vault.keys.keyring, vault: vault.keys.vault }
  const openServer = (revocations: RevocationList) =>
    buildAuthorizationServer({ ...common, layout, ...sealing, ledger, environment }, revocations)
  const nonceKey = async () => (stores.shared ? sharedNonceKey(sealing.keyring) : undefined)
  const identity = await buildIdentity({ ...common, environment, openServer, nonceKey, bundles: listener.bundles })
  started.push(() => identity.close())
  await tellRevoked(layout, config, identity.revocations, clock.now())
  listener.refuseRevoked((thumbprint) => identity.revocations.covers(certificateHolder(thumbprint), clock.now()))
  const isRevoked = (principal: Principal) => identity.revocations.covers(principal, clock.now())
  const signatures = await openSignatures({ ...common, environment, replays: stores.replays })
  const access = new Access({ ...common, keys: vault.keys, ledger, environment, isRevoked })
  const conduct = { watch, anomalies, traffic, ledger, telemetry }
  return { gate, listener, prover, ...records, ...vault, stores, identity, access, ...conduct, signatures }
}

interface KeptParts extends GroundParts {
  readonly layout: StateLayout
  readonly stores: Stores
  readonly chains: Records['chains']
  readonly exporters: Records['exporters']
  readonly watch: Watch
  readonly prover: Prover
}

type Records = Awaited<ReturnType<typeof openRecords>>
type Watch = Awaited<ReturnType<typeof openWatch>>

/** What is sealed, for how long it is kept, and what is kept of it elsewhere. */
async function openVault(parts: KeptParts, started: Started) {
  const { config, configFile, layout, stores, chains, exporters, clock, log, environment, watch, prover } = parts
  const keys = openKeys({ config, layout, stores, clock, environment, prover })
  started.push(() => keys.close())
  await keys.prove(log)
  const backups = new Backups({ config, configFile, layout, stores, chains, clock, log, environment, prover })
  started.push(() => backups.close())
  watch.observation?.further.push(() => backups.readings)
  const payloads = buildPayloads({ config, layout, keys, mask: payloadMask })
  if (payloads) started.push(() => payloads.close())
  const guards: readonly SegmentGuard[] = exporters ? [exporters] : []
  const retention = buildRetention({ config, folder: layout.audit, chains, payloads, guards, clock, log })
  if (retention) started.push(() => retention.close())
  retention?.start()
  return { keys, backups, payloads }
}

/** How much who may ask for, who is kept out, and whose conduct is unusual; the ledger is what tells the last. */
async function openConduct(parts: KeptParts, started: Started) {
  const { config, layout, stores, chains, clock, log, environment, watch, prover } = parts
  const traffic = await buildTraffic({ config, stores, clock, log, environment, prover })
  started.push(() => traffic.close())
  const kept = config.audit.durability === 'eventual' ? eventual(chains) : chains
  const measured = watch.observation ? measuredLedger(kept, watch.observation.metrics) : kept
  const anomalies = buildAnomalies({ config, layout, clock, log, ledger: measured })
  if (anomalies) started.push(() => anomalies.close())
  if (anomalies) watch.observation?.further.push(anomalies.readings)
  anomalies?.useBlocks(anomalyBlocks(traffic, log))
  watch.observation?.further.push(() => trafficReadings(traffic))
  return { traffic, anomalies, ledger: anomalies?.ledger ?? measured }
}

/** Before anything that takes long, so that whoever asks is told that the gateway starts. */
async function openWatch(parts: Omit<MetricsListenerParts, 'observation'>, started: Started) {
  const { metrics } = parts.config.listen
  const observed = metrics ?? parts.config.telemetry?.metrics
  const observation = observed && new Observation()
  if (metrics === undefined || observation === undefined) return { observation, url: undefined }
  const listener = await openMetrics({ ...parts, observation }, metrics)
  started.push(() => listener.close())
  return { observation, url: listener.url }
}
