import { ChainLedger, type Ledger } from '../audit/ledger.ts'
import { CHAIN_RULES } from '../audit/chain.ts'
import { checkpointSigner, loadCheckpointKey } from '../audit/checkpoint.ts'
import type { Logger } from '../audit/log.ts'
import { type Environment, processEnvironment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { ownPaths } from '../config/own-paths.ts'
import { type StateLayout, stateLayout } from '../config/state-layout.ts'
import { weaknesses } from '../config/weaknesses.ts'
import { Cancellation } from '../core/cancellation.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { type RevocationList, revokes } from '../identity/revocation.ts'
import { parseUpstream } from '../inspection/strict-json.ts'
import { ToolSchemas } from '../inspection/tool-schemas.ts'
import { privateFolder } from '../pki/private-file.ts'
import type { Stores } from '../stores/stores.ts'
import { relay } from '../upstream/relay/relay.ts'
import { relayStream } from '../upstream/relay/stream.ts'
import type { Administration, GatewayView } from './administration.ts'
import { buildAuthorizationServer } from './build-authorization-server.ts'
import { type Identity, buildIdentity } from './build-identity.ts'
import { Access } from './build-access.ts'
import { connectPages, explains } from './build-connect.ts'
import { openListener } from './build-listener.ts'
import { buildRelay } from './build-relay.ts'
import { buildStages } from './build-stages.ts'
import { closeDrivers, selectDrivers } from './build-sandbox.ts'
import { buildUpstreams, type UpstreamParts } from './build-upstreams.ts'
import { eventual } from './eventual-ledger.ts'
import { Gate } from './gate.ts'
import { mountsOf } from './mounts.ts'
import { door, type Stages } from './path.ts'
import { PolicyPoint } from './policy-point.ts'
import { Processes } from './processes.ts'
import { PRODUCT } from './product.ts'
import { startDefinitions } from './start-definitions.ts'
import { shownTo, tenantNames } from './tenants.ts'

export interface GatewayOptions {
  readonly config: Config
  /** Kept from the sight of the upstreams. */
  readonly configFile: string
  readonly log: Logger
  readonly clock?: Clock
  readonly environment?: Environment
  /** What administrators can ask the running gateway; nothing when absent. */
  readonly administration?: Administration
  readonly [adjustStages]?: (stages: Stages) => Stages
}

/** Replaces stages, to measure what each of them costs. A symbol, so that no configuration can ask for it. */
export const adjustStages: unique symbol = Symbol('adjustStages')

export interface RunningGateway {
  /** Origin by which clients reach it, such as `https://127.0.0.1:8443`. */
  readonly url: string
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
  const { gate, listener, ledger, identity, access } = await openGround(options, clock, started)
  const behind = { config, environment, clock, log, drivers, access }
  const { upstreams, processes } = await openUpstreams(behind, ledger, started)
  const schemas = new ToolSchemas()
  const definitions = await startDefinitions(config.state, upstreams, firstAnswerMs(config), log)
  const policy = await PolicyPoint.load(config, definitions.known, log)
  policy.follow(upstreams.values(), (all) => definitions.remember(all, schemas))
  const parts = { config, clock, log, engine: policy.engine, schemas, upstreams }
  const { url } = listener
  const explain = explains(access, upstreams, url)
  const relayParts = buildRelay({ ...parts, demands: identity.demands, note: access.note, explain })
  const { sessions, tasks, parking, ending } = relayParts
  started.push(() => parking.close())
  started.push(() => sessions.close())
  const shutdown = new Cancellation()
  const told = relayParts.explain && { explain: relayParts.explain }
  const built = buildStages({ ...parts, ...told, ledger, identity, sessions, tasks, shutdown, publicUrl: url })
  const stages = options[adjustStages]?.(built) ?? built
  endRevoked(identity, [sessions, parking])
  const mount = mountsOf([
    identity.server,
    await connectPages({ access, identity, ledger, clock, log, publicUrl: url }),
  ])
  const documents = {
    documents: identity.documents,
    administration: shown(options, { upstreams, processes, shownTo: shownTo(config) }),
    mount,
  }
  const ends = { message: relay(relayParts), stream: relayStream(relayParts), ...documents }
  gate.open(door(stages, ends), (id) => sessions.journalOf(id))
  // Before all others: what they are is still needed by the calls that may finish.
  started.push(async () => {
    gate.shut()
    ending.cancel('shutdown')
    setTimeout(() => shutdown.cancel('shutdown'), GRACE_MS).unref()
    await listener.close(GRACE_MS)
  })
  return { url, close: () => end(started) }
}

/** The servers behind the gateway. They are asked nothing before somebody needs them. */
async function openUpstreams(parts: Omit<UpstreamParts, 'parse' | 'processes'>, ledger: Ledger, started: Started) {
  const { config, clock, log } = parts
  const json = { maxDepth: config.limits.maxDepth, maxMembers: config.limits.maxMembers }
  const parse = (bytes: Buffer) => parseUpstream(bytes, json)
  const processes = new Processes({ ledger, clock, log })
  started.push(() => processes.settled())
  const upstreams = await buildUpstreams({ ...parts, parse, processes })
  started.push(async () => void (await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))))
  return { upstreams, processes }
}

const shown = ({ administration }: GatewayOptions, view: GatewayView) => administration?.(view) ?? new Map()

/** What everything else stands on: the port, the records, the store, and who is believed. */
async function openGround(options: GatewayOptions, clock: Clock, started: Started) {
  const { config, log, environment = processEnvironment() } = options
  const layout = stateLayout(config)
  privateFolder(config.state)
  const gate = new Gate()
  const listener = await openListener(config, layout, clock, log, gate)
  started.push(() => listener.close(GRACE_MS))
  const chains = await openLedger(config, layout, clock, log)
  started.push(() => chains.close())
  const stores = await openStores(config, layout)
  started.push(() => stores.close())
  const ledger = config.audit.durability === 'eventual' ? eventual(chains) : chains
  const common = { config, stores, clock, log, publicUrl: listener.url }
  const openServer = (revocations: RevocationList) =>
    buildAuthorizationServer({ ...common, layout, ledger }, revocations)
  const identity = await buildIdentity({ ...common, environment, openServer })
  started.push(() => identity.close())
  const access = new Access({ ...common, layout, ledger, environment })
  return { gate, listener, ledger, identity, access }
}

/** As long as the slowest program may take to start; what is behind HTTP runs already. */
function firstAnswerMs({ upstreams }: Config): number {
  return Math.max(30, ...Object.values(upstreams).map(({ stdio }) => stdio?.deadlines.startSeconds ?? 0)) * 1_000
}

/** A revocation ends what it revokes at once. Calls and streams under way end by `identity.standing`. */
function endRevoked(
  identity: Identity,
  holders: readonly { endWhere(matches: (principal: Principal) => boolean): void }[],
): void {
  identity.revocations.onRevoked((revocations) => {
    for (const holder of holders) {
      holder.endWhere((principal) => revocations.some((revocation) => revokes(revocation, principal)))
    }
  })
}

/** In reverse, so that nothing loses what it stands on; one failure does not spare the rest. */
async function end(started: Started): Promise<void> {
  for (const stop of started.splice(0).reverse()) await Promise.resolve(stop()).catch(() => {})
}

async function openLedger(config: Config, layout: StateLayout, clock: Clock, log: Logger): Promise<ChainLedger> {
  const seconds = config.audit.checkpointEverySeconds
  return ChainLedger.open({
    directory: layout.audit,
    signer: checkpointSigner(loadCheckpointKey(layout.auditKey)),
    clock,
    rules: { ...CHAIN_RULES, checkpointMs: seconds * 1_000 },
    program: `${PRODUCT.name} ${PRODUCT.version}`,
    weaknesses: weaknesses(config).map(({ path, word }) => `${path}: ${word}`),
    tenants: tenantNames(config),
    onHealth: (tenant, error) =>
      error === undefined
        ? log.info('the audit chain is whole again', { tenant })
        : log.error('the audit chain is broken', { tenant, error }),
  })
}

async function openStores(config: Config, layout: StateLayout): Promise<Stores> {
  if (config.store.kind === 'memory') return (await import('../stores/memory/open.ts')).openMemoryStores()
  return (await import('../stores/sqlite/open.ts')).openSqliteStores({ path: layout.store })
}
