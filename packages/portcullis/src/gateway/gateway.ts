import type { Ledger } from '../audit/ledger.ts'
import type { SegmentGuard } from '../audit/retention-guard.ts'
import type { Logger } from '../audit/log.ts'
import { measuredLedger } from '../audit/metrics/measured-ledger.ts'
import { type Environment, processEnvironment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { ownPaths } from '../config/own-paths.ts'
import { type StateLayout, stateLayout } from '../config/state-layout.ts'
import { Cancellation } from '../core/cancellation.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { type RevocationList, revokes } from '../identity/revocation.ts'
import { readUpstream } from '../inspection/read-json.ts'
import { ToolSchemas } from '../inspection/tool-schemas.ts'
import { privateFolder } from '../pki/private-file.ts'
import type { Stores } from '../stores/stores.ts'
import { relay } from '../upstream/relay/relay.ts'
import { relayStream } from '../upstream/relay/stream.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { OpenAdministration } from './administration.ts'
import { buildAdministration } from './build-administration.ts'
import { buildAnomalies } from './build-anomalies.ts'
import { Backups } from './build-backups.ts'
import { buildAuthorizationServer } from './build-authorization-server.ts'
import { type Identity, buildIdentity } from './build-identity.ts'
import { Access } from './build-access.ts'
import { connectPages, explains } from './build-connect.ts'
import { openListener, type OpenListener } from './build-listener.ts'
import { type MetricsListenerParts, openMetrics, readinessOf } from './build-metrics.ts'
import { buildInspection } from './build-inspection.ts'
import { buildMasking, payloadMask } from './build-masking.ts'
import { buildPayloads, tellUnkept } from './build-payloads.ts'
import { buildRelay } from './build-relay.ts'
import { buildRetention } from './build-retention.ts'
import { buildStages } from './build-stages.ts'
import { closeDrivers, selectDrivers } from './build-sandbox.ts'
import { anomalyBlocks, buildTraffic, type Traffic, trafficReadings } from './build-traffic.ts'
import { buildUpstreams, type UpstreamParts } from './build-upstreams.ts'
import type { Telemetry } from './build-telemetry.ts'
import { eventual } from './eventual-ledger.ts'
import { openKeys } from './open-keys.ts'
import { receiptsOf } from './open-ledger.ts'
import { openRecords } from './open-records.ts'
import { linkObserver, openTelemetry } from './open-telemetry.ts'
import { Gate } from './gate.ts'
import { mountsOf } from './mounts.ts'
import { DefinitionsInForce } from './definitions-in-force.ts'
import { Observation } from './observation.ts'
import { door, type Stages } from './path.ts'
import { PolicyPoint } from './policy-point.ts'
import { Processes } from './processes.ts'
import { leaveNote } from './running-note.ts'
import { startDefinitions } from './start-definitions.ts'

export interface GatewayOptions {
  readonly config: Config
  /** Kept from the sight of the upstreams. */
  readonly configFile: string
  readonly log: Logger
  readonly clock?: Clock
  readonly environment?: Environment
  /** What administrators can ask the running gateway; nothing when absent. */
  readonly administration?: OpenAdministration
  readonly [adjustStages]?: (stages: Stages) => Stages
}

/** Replaces stages, to measure what each of them costs. A symbol, so that no configuration can ask for it. */
export const adjustStages: unique symbol = Symbol('adjustStages')

export interface RunningGateway {
  /** Origin by which clients reach it, such as `https://127.0.0.1:8443`. */
  readonly url: string
  /** Origin of the listener of metrics, where there is one. */
  readonly metricsUrl?: string
  /** Lets running calls finish for up to ten seconds, then ends everything that was started. */
  close(): Promise<void>
}

const GRACE_MS = 10_000

/**
 * Starts a whole gateway, or throws what keeps it from being as safe as its configuration says: PolicyError, StoreError,
 * PkiError, ChainDamaged, a Fault such as `sandbox.unavailable`, or the system's error. What was already started then ends.
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const started: Started = []
  try {
    return await start(options, started)
  } catch (thrown) {
    await end(started)
    throw thrown
  }
}

type Started = Array<() => Promise<void> | void>

async function start(options: GatewayOptions, started: Started): Promise<RunningGateway> {
  const { config, log, clock = systemClock, environment = processEnvironment() } = options
  // The proof takes longest, so it runs beside the rest; nothing is served before it is awaited.
  const drivers = selectDrivers(config, ownPaths(config, options.configFile), log)
  drivers.catch(() => {})
  started.push(() => closeDrivers(drivers))
  const ground = await openGround(options, clock, started)
  const { gate, listener, ledger, chains, payloads, stores, identity, access, watch, anomalies, traffic } = ground
  const { exporters, telemetry, witnesses, backups } = ground
  const { observation } = watch
  const inForce = new DefinitionsInForce({ config, ledger, clock, log })
  const judgeOf = (upstream: string) => inForce.judgeOf(upstream)
  const behind = { config, environment, clock, log, drivers, access, judgeOf, validation: listener.validation }
  const { upstreams, processes } = await openUpstreams({ ...behind, observation, telemetry }, ledger, started)
  started.push(inForce.follow(upstreams))
  const { schemas, policy, inspection } = await openRules({ config, log, environment, inForce }, upstreams, started)
  const ruled = { engine: policy.engine, heldReason: inForce.heldReason, schemas, inspection }
  const parts = { config, clock, log, ...ruled, upstreams }
  const { url } = listener
  const explain = explains(access, upstreams, url)
  const relayParts = buildRelay({ ...parts, ledger, demands: identity.demands, within: access.within, explain })
  const { sessions, tasks, parking, ending, approvals } = relayParts
  started.push(() => (sessions.close(), parking.close()))
  const shutdown = new Cancellation()
  const calls = { sessions, tasks, approvals, anomalies, traffic, exporters, witnesses, shutdown }
  const state = {
    ledger,
    payloads,
    identity,
    receipts: receiptsOf(config, chains),
    ...calls,
    observation,
    publicUrl: url,
  }
  const masking = buildMasking(config, ground.keys.keyring)
  const built = buildStages({ ...parts, masking, ...(relayParts.explain && { explain: relayParts.explain }), ...state })
  const adjusted = options[adjustStages]?.(built) ?? built
  const stages = telemetry?.stages(adjusted, inspection) ?? adjusted
  endRevoked(identity, traffic, [sessions, parking])
  const pages = await connectPages({ access, identity, ledger, clock, log, publicUrl: url })
  const adminParts = { config, clock, stores, chains, keys: ground.keys, publicUrl: url, ...listed(identity, traffic) }
  const live = {
    upstreams,
    processes,
    sessions,
    engine: policy.engine,
    definitions: inForce,
    anomalies,
    traffic,
    exporters,
    backups,
  }
  const administration = buildAdministration(options.administration, adminParts, live)
  const ends = { message: relay(relayParts), stream: relayStream(relayParts), documents: identity.documents }
  const serve = door(stages, { ...ends, administration, mount: mountsOf([identity.server, pages]) })
  gate.open(telemetry?.around(serve) ?? serve, (id) => sessions.journalOf(id))
  const problems = readinessOf({ config, stores, chains, upstreams, exporters, witnesses })
  observation?.begin({ upstreams, processes, sessions, problems, openStreams: () => listener.openStreams() })
  await backups.start()
  started.push(leaveNote(config, { url, port: listener.port }))
  started.push(() => drain({ gate, observation, ending, shutdown, listener }))
  return { url, ...(watch.url !== undefined && { metricsUrl: watch.url }), close: () => end(started) }
}

/** Who is believed no longer. */
const listed = ({ revocations }: Identity, { blocks }: Traffic) => ({ revocations, blocks })

interface Draining {
  readonly gate: Gate
  readonly observation: Observation | undefined
  readonly ending: Cancellation
  readonly shutdown: Cancellation
  readonly listener: Pick<OpenListener, 'close'>
}

/** Before all else ends: what that is is still needed by the calls that may finish. */
async function drain({ gate, observation, ending, shutdown, listener }: Draining): Promise<void> {
  gate.shut()
  observation?.drain()
  ending.cancel('shutdown')
  setTimeout(() => shutdown.cancel('shutdown'), GRACE_MS).unref()
  await listener.close(GRACE_MS)
}

interface RuleGround {
  readonly config: Config
  readonly log: Logger
  readonly environment: Environment
  readonly inForce: DefinitionsInForce
}

/** What is made of the definitions of tools, now and whenever they change. */
async function openRules(
  { config, log, environment, inForce }: RuleGround,
  upstreams: ReadonlyMap<string, Upstream>,
  started: Started,
) {
  const schemas = new ToolSchemas()
  const definitions = await startDefinitions(config.state, upstreams, firstAnswerMs(config), log)
  const policy = await PolicyPoint.load(config, definitions.known, log)
  const inspection = buildInspection(config, definitions.known, log, environment, inForce)
  started.push(() => inspection.results.close())
  policy.follow(upstreams.values(), (all) => {
    definitions.remember(all, schemas)
    inspection.follow(all)
    tellUnkept(config, all, log)
  })
  return { schemas, policy, inspection }
}

type UpstreamGround = Omit<UpstreamParts, 'parse' | 'processes' | 'observe'> & Watching

interface Watching {
  readonly observation: Observation | undefined
  readonly telemetry: Telemetry | undefined
}

/** The servers behind the gateway. They are asked nothing before somebody needs them. */
async function openUpstreams(parts: UpstreamGround, ledger: Ledger, started: Started) {
  const { config, clock, log, observation } = parts
  const json = { maxDepth: config.limits.maxDepth, maxMembers: config.limits.maxMembers }
  const parse = (bytes: Buffer) => readUpstream(bytes, json)
  const processes = new Processes({ ledger, clock, log, metrics: observation?.processes })
  started.push(() => processes.settled())
  const observe = await linkObserver(parts.telemetry, observation)
  const upstreams = await buildUpstreams({ ...parts, parse, processes, observe })
  started.push(async () => void (await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))))
  return { upstreams, processes }
}

/** What everything else stands on: the port, the records, the store, and who is believed. */
async function openGround(options: GatewayOptions, clock: Clock, started: Started) {
  const { config, log, environment = processEnvironment() } = options
  const layout = stateLayout(config)
  privateFolder(config.state)
  const gate = new Gate()
  const listener = await openListener(config, layout, clock, log, gate)
  started.push(() => listener.close(GRACE_MS))
  const watch = await openWatch({ config, layout, clock, log, environment }, started)
  const telemetry = await openTelemetry({ config, layout, clock, log, environment }, watch.observation)
  if (telemetry) started.push(() => telemetry.close())
  const records = { config, layout, clock, log, environment }
  const { chains, exporters, witnesses } = await openRecords(records, watch.observation, started)
  const stores = await openStores(config, layout)
  started.push(() => stores.close())
  const traffic = await buildTraffic({ config, stores, clock, log, environment })
  started.push(() => traffic.close())
  const keys = openKeys({ config, layout, stores, clock, environment })
  started.push(() => keys.close())
  await keys.prove(log)
  const backups = new Backups({ config, configFile: options.configFile, layout, stores, chains, clock, log })
  started.push(() => backups.close())
  watch.observation?.further.push(() => backups.readings)
  const payloads = buildPayloads({ config, layout, keys, mask: payloadMask })
  if (payloads) started.push(() => payloads.close())
  const guards: readonly SegmentGuard[] = exporters ? [exporters] : []
  const retention = buildRetention({ config, folder: layout.audit, chains, payloads, guards, clock, log })
  if (retention) started.push(() => retention.close())
  retention?.start()
  const kept = config.audit.durability === 'eventual' ? eventual(chains) : chains
  const measured = watch.observation ? measuredLedger(kept, watch.observation.metrics) : kept
  const anomalies = buildAnomalies({ config, layout, clock, log, ledger: measured })
  if (anomalies) started.push(() => anomalies.close())
  if (anomalies) watch.observation?.further.push(anomalies.readings)
  const ledger = anomalies?.ledger ?? measured
  anomalies?.useBlocks(anomalyBlocks(traffic, log))
  watch.observation?.further.push(() => trafficReadings(traffic))
  const common = { config, stores, clock, log, publicUrl: listener.url }
  const openServer = (revocations: RevocationList) =>
    buildAuthorizationServer({ ...common, layout, keyring: keys.keyring, ledger, environment }, revocations)
  const identity = await buildIdentity({ ...common, environment, openServer, bundles: listener.bundles })
  started.push(() => identity.close())
  const isRevoked = (principal: Principal) => identity.revocations.covers(principal, clock.now())
  const access = new Access({ ...common, keys, ledger, environment, isRevoked })
  return {
    gate,
    listener,
    ledger,
    chains,
    keys,
    payloads,
    stores,
    identity,
    access,
    watch,
    anomalies,
    traffic,
    exporters,
    witnesses,
    telemetry,
    backups,
  }
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

/** As long as the slowest program may take to start; what is behind HTTP runs already. */
function firstAnswerMs({ upstreams }: Config): number {
  return Math.max(30, ...Object.values(upstreams).map(({ stdio }) => stdio?.deadlines.startSeconds ?? 0)) * 1_000
}

/** A revocation ends what it revokes at once, and so does a block. Calls and streams under way end by `identity.standing`. */
function endRevoked(
  identity: Identity,
  { lists }: Pick<Traffic, 'lists'>,
  holders: readonly { endWhere(matches: (principal: Principal) => boolean): void }[],
): void {
  identity.revocations.onRevoked((revocations) => {
    for (const holder of holders) {
      holder.endWhere((principal) => revocations.some((revocation) => revokes(revocation, principal)))
    }
  })
  lists.onChanged(() => {
    for (const holder of holders) holder.endWhere((principal) => lists.refusalOfCaller(principal) !== undefined)
  })
}

/** In reverse, so that nothing loses what it stands on; one failure does not spare the rest. */
async function end(started: Started): Promise<void> {
  for (const stop of started.splice(0).reverse()) await Promise.resolve(stop()).catch(() => {})
}

async function openStores(config: Config, layout: StateLayout): Promise<Stores> {
  if (config.store.kind === 'memory') return (await import('../stores/memory/open.ts')).openMemoryStores()
  return (await import('../stores/sqlite/open.ts')).openSqliteStores({ path: layout.store })
}
