import type { Logger } from '../audit/log.ts'
import { type Environment, processEnvironment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { ownPaths } from '../config/own-paths.ts'
import { Cancellation } from '../core/cancellation.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import { revokes } from '../identity/revocation.ts'
import { relay } from '../upstream/relay/relay.ts'
import { relayStream } from '../upstream/relay/stream.ts'
import type { OpenAdministration } from './administration.ts'
import { buildAdministration } from './build-administration.ts'
import type { Identity } from './build-identity.ts'
import { connectPages, explains } from './build-connect.ts'
import type { OpenListener } from './build-listener.ts'
import { readinessOf } from './build-metrics.ts'
import { answerMask, buildMasking, contentMask } from './build-masking.ts'
import { voicesOf } from './open-telemetry.ts'
import { buildRelay } from './build-relay.ts'
import { buildStages } from './build-stages.ts'
import { closeDrivers, selectDrivers } from './build-sandbox.ts'
import type { Traffic } from './build-traffic.ts'
import { receiptsOf } from './open-ledger.ts'
import type { Gate } from './gate.ts'
import { mountsOf } from './mounts.ts'
import { DefinitionsInForce } from './definitions-in-force.ts'
import type { Observation } from './observation.ts'
import { door, type Stages } from './path.ts'
import { withPlaces } from './places.ts'
import { leaveNote } from './running-note.ts'
import { GRACE_MS, type Ground, openGround, type Started } from './open-ground.ts'
import { openRules, openUpstreams } from './open-upstreams.ts'

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

async function start(options: GatewayOptions, started: Started): Promise<RunningGateway> {
  const { config, configFile, clock = systemClock, environment = processEnvironment() } = options
  const voices = voicesOf(config, options.log, clock)
  const { log } = voices
  // The proof takes longest, so it runs beside the rest; nothing is served before it is awaited.
  const drivers = selectDrivers(config, ownPaths(config, configFile), log)
  drivers.catch(() => {})
  started.push(() => closeDrivers(drivers))
  const ground = await openGround({ config, configFile, log, voices, clock, environment }, started)
  const { gate, listener, ledger, access, watch, telemetry, signatures } = ground
  const { observation } = watch
  const inForce = new DefinitionsInForce({ config, ledger, clock, log })
  const judgeOf = (upstream: string) => inForce.judgeOf(upstream)
  const behind = { config, environment, clock, log, drivers, access, judgeOf, validation: listener.validation }
  const served = await openUpstreams({ ...behind, signatures, observation, telemetry }, ledger, started)
  started.push(inForce.follow(served.upstreams))
  const rules = await openRules({ config, log, environment, inForce, prover: ground.prover }, served.upstreams, started)
  const parts = { options, config, clock, log, ground, ...served, ...rules, inForce }
  const { sessions, ending, shutdown } = await openDoor(parts, started)
  const { upstreams, processes } = served
  const problems = readinessOf({ ...ground, config, upstreams })
  observation?.begin({ upstreams, processes, sessions, problems, openStreams: () => listener.openStreams() })
  await ground.backups.start()
  const { url } = listener
  started.push(leaveNote(config, { url, port: listener.port }))
  started.push(() => drain({ gate, observation, ending, shutdown, listener }))
  return { url, ...(watch.url !== undefined && { metricsUrl: watch.url }), close: () => end(started) }
}

interface DoorParts {
  readonly options: GatewayOptions
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly ground: Ground
  readonly upstreams: Awaited<ReturnType<typeof openUpstreams>>['upstreams']
  readonly processes: Awaited<ReturnType<typeof openUpstreams>>['processes']
  readonly schemas: Awaited<ReturnType<typeof openRules>>['schemas']
  readonly policy: Awaited<ReturnType<typeof openRules>>['policy']
  readonly inspection: Awaited<ReturnType<typeof openRules>>['inspection']
  readonly inForce: DefinitionsInForce
}

/** What a message meets between the port and the upstreams. From here on the gateway answers. */
async function openDoor(parts: DoorParts, started: Started) {
  const { options, config, clock, log, ground, upstreams, processes, schemas, policy, inspection, inForce } = parts
  const { listener, ledger, identity, access, traffic, telemetry, watch, keys } = ground
  const publicUrl = listener.url
  const explain = explains(access, upstreams, publicUrl)
  const ruled = { engine: policy.engine, heldReason: inForce.heldReason, schemas, inspection }
  const common = { config, clock, log, ...ruled, upstreams }
  const masking = buildMasking(config, keys.keyring)
  const protect = answerMask(masking)
  const relayInput = { ...common, ledger, demands: identity.demands, within: access.within, explain, protect }
  const relayParts = buildRelay(relayInput)
  const { sessions, tasks, parking, ending, approvals } = relayParts
  started.push(() => (sessions.close(), parking.close()))
  const shutdown = new Cancellation()
  const state = { ...ground, sessions, tasks, approvals, shutdown, publicUrl, observation: watch.observation }
  const receipts = receiptsOf(config, ground.chains)
  const told = relayParts.explain && { explain: relayParts.explain }
  const built = buildStages({ ...common, ...told, ...state, masking, receipts })
  const adjusted = options[adjustStages]?.(built) ?? built
  const stages = telemetry?.stages(adjusted, { ...inspection, mask: contentMask }) ?? adjusted
  endRevoked(identity, traffic, [sessions, parking])
  const pages = await connectPages({ access, identity, ledger, clock, log, publicUrl })
  const adminParts = { ...ground, config, clock, publicUrl, ...listed(identity, traffic) }
  const renewCertificate = () => listener.renewCertificate()
  const live = {
    ...ground,
    upstreams,
    processes,
    sessions,
    engine: policy.engine,
    definitions: inForce,
    renewCertificate,
  }
  const administration = buildAdministration(options.administration, adminParts, live)
  const ends = { message: relay(relayParts), stream: relayStream(relayParts), documents: identity.documents }
  const serve = door(stages, { ...ends, administration, mount: mountsOf([identity.server, pages]) })
  ground.gate.open(withPlaces(telemetry?.around(serve) ?? serve), (id) => sessions.journalOf(id))
  return { sessions, ending, shutdown }
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
