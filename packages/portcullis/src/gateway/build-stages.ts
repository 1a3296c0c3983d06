import type { Ledger } from '../audit/ledger.ts'
import type { Exporters } from '../audit/export/exporters.ts'
import { auditIntent } from '../audit/intent.ts'
import type { Logger } from '../audit/log.ts'
import { measure } from '../audit/metrics/measure.ts'
import type { Payloads } from '../audit/payload.ts'
import type { Receipts } from '../audit/receipt.ts'
import { auditTrail } from '../audit/trail.ts'
import type { Witnesses } from '../audit/witness/witnesses.ts'
import type { Config } from '../config/schema.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Clock } from '../core/clock.ts'
import type { Routed } from '../core/route.ts'
import { standing } from '../identity/standing.ts'
import { readStrict } from '../inspection/read-json.ts'
import { bound } from '../limits/bound.ts'
import { isPage } from '../identity/server/mounted-path.ts'
import { concurrency } from '../limits/concurrency.ts'
import { deadline } from '../limits/deadline.ts'
import { receive } from '../limits/receive.ts'
import type { Slots } from '../limits/slots.ts'
import { parseMessage } from '../mcp/parse.ts'
import { answerOf } from '../mcp/refusal.ts'
import { administrator, isAdministrator } from '../policy/administrator.ts'
import { authorize, reveal } from '../policy/authorize.ts'
import { preflight } from '../traffic/cross-origin.ts'
import { originStage } from '../traffic/origin.ts'
import { strictHead } from '../traffic/strict-head.ts'
import { negotiate } from '../transport/negotiate.ts'
import { routeByPath, routeToAdministration } from '../transport/route.ts'
import { attachSession } from '../upstream/relay/attach-session.ts'
import { resolveTarget } from '../upstream/relay/resolve.ts'
import type { SessionTable } from '../upstream/relay/session-table.ts'
import type { TaskTable } from '../upstream/relay/task-table.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Explain } from './access-explainer.ts'
import { mayEnter } from './administrators.ts'
import { anomalyStages } from './anomaly-stages.ts'
import type { Anomalies } from './build-anomalies.ts'
import type { Identity } from './build-identity.ts'
import { withTokens } from './build-masking.ts'
import { type InspectionStageParts, inspectionStages } from './inspection-stages.ts'
import { explainedResolve } from './explained-resolve.ts'
import type { Observation } from './observation.ts'
import { unsigned } from './open-signatures.ts'
import type { Signatures } from './signed-messages.ts'
import type { Stages, Understood } from './path.ts'
import { type Traffic, trafficStages } from './build-traffic.ts'
import { tenantConcurrency, tenantHas } from './tenants.ts'

export interface StageParts extends InspectionStageParts {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly ledger: Ledger
  /** Absent where of all calls only digests are kept. */
  readonly payloads?: Payloads | undefined
  /** Absent where answers carry none. */
  readonly receipts?: Receipts | undefined
  readonly identity: Identity
  readonly signatures: Signatures
  readonly traffic: Traffic
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly sessions: SessionTable
  readonly tasks: TaskTable
  readonly shutdown: Cancellation
  readonly observation?: Observation | undefined
  /** Absent where records stay here. */
  readonly exporters?: Exporters | undefined
  /** Absent where nobody outside keeps where the chains stood. */
  readonly witnesses?: Witnesses | undefined
  /** Absent where nobody watches how callers behave. */
  readonly anomalies?: Anomalies | undefined
  /** Says to a caller what it means that an upstream is not connected; absent when none can be. */
  readonly explain?: Explain
  /** Origin by which clients reach the gateway, without a trailing slash. */
  readonly publicUrl: string
}

/** Configuration values to stages. The order in which they run is in `path.ts`. */
export function buildStages(parts: StageParts): Stages {
  const { config, clock, ledger, engine, upstreams, publicUrl } = parts
  const { limits } = config
  const { common, slots } = commonPlaces(parts)
  const json = { maxDepth: limits.maxDepth, maxMembers: limits.maxMembers }
  return {
    trail: auditTrail({ ledger, clock, answerOf, log: parts.log, payloads: parts.payloads, receipts: parts.receipts }),
    metrics: measure(parts.observation?.metrics),
    strictHead,
    origin: originStage({ ...originRules(config, publicUrl), isPage }),
    preflight,
    route: routeByPath([...upstreams.keys()], publicUrl),
    adminRoute: routeToAdministration(publicUrl),
    bound,
    deadline: buildDeadline(parts),
    authenticate: parts.identity.check,
    nonce: parts.identity.nonce,
    standing: standing(parts.identity.revocations, clock, parts.identity.challenges, {
      onChanged: (listener) => parts.traffic.lists.onChanged(listener),
      refuses: parts.traffic.refuses,
    }),
    signatures: parts.signatures.verify ?? unsigned,
    administrator: administrator(mayEnter(config)),
    negotiate,
    receive: receive(limits.maxBodyBytes),
    parse: withTokens(
      parseMessage((bytes) => readStrict(bytes, json)),
      parts.masking,
    ),
    attachSession: attachSession(parts.sessions),
    resolve: explainedResolve(resolveTarget(upstreams, parts.tasks, tenantHas(config)), parts.explain),
    reveal: reveal(engine),
    scopes: parts.identity.scopes,
    authorize: authorize(engine),
    tenantConcurrency: tenantConcurrency(config, takesPlace),
    concurrency: common,
    intent: intentOf(parts),
    ...trafficStages(parts, parts.traffic, slots, isAdministration),
    ...inspectionStages(parts),
    ...anomalyStages(parts.anomalies, parts.approvals),
  }
}

function intentOf(parts: StageParts): Stages['intent'] {
  const { ledger, payloads } = parts
  return auditIntent({ ledger, payloads, behind: behindOf(parts), unwitnessed: unwitnessedOf(parts) })
}

/** The places that all calls share, and those who are in them. */
function commonPlaces({ config, observation }: Pick<StageParts, 'config' | 'observation'>) {
  const { limits } = config
  let places: Slots | undefined
  const common = concurrency<Understood>({
    ...slotRules(limits.concurrency),
    maxWaitMs: limits.concurrency.waitMs,
    retryAfterSeconds: 1,
    // The places that are kept free belong to those who look after the gateway, not to a tenant's own administrators.
    isAdministrator: (principal) => config.tenants === undefined && isAdministrator(principal),
    counts: takesPlace,
    onSlots(made) {
      places = made
      observation?.slots.push(made)
    },
  })
  return { common, slots: () => places }
}

const isAdministration = (path: string): boolean => path.startsWith('/admin/')

/** Nobody is asked in a call where no exporter is required. */
const behindOf = ({ exporters }: StageParts) =>
  exporters?.hasRequired === true ? (tenant: string) => exporters.behind(tenant) : undefined

const unwitnessedOf = ({ witnesses }: StageParts) =>
  witnesses?.hasRequired === true ? (tenant: string) => witnesses.behind(tenant) : undefined

const takesPlace = ({ call }: Understood): boolean => call.kind === 'request' && !isLasting(call.method)

const isLasting = (method: string | undefined): boolean => method === 'subscriptions/listen'

function buildDeadline({ config, shutdown }: StageParts): Stages['deadline'] {
  const callMsOf = callTimes(config)
  const idleMs = config.limits.listenIdleSeconds * 1_000
  return deadline({
    deadlineMsOf: (exchange) => (lasts(exchange) ? undefined : callMsOf(exchange)),
    idleMsOf: () => idleMs,
    endsOnDeparture: (exchange) => lasts(exchange) || (exchange as Partial<Understood>).call?.era === 'modern',
    shutdown,
  })
}

/**
 * How long one call may take: what its program is given, and never longer than any call. On the aggregate path the
 * message tells the program, so the shortest time counts until it is known; then the deadline asks again.
 */
function callTimes({ limits, upstreams }: Config): (exchange: Exchange & Routed & Partial<Understood>) => number {
  const callMs = limits.callSeconds * 1_000
  const own = new Map<string, number>()
  for (const [name, { stdio }] of Object.entries(upstreams))
    own.set(name, Math.min(callMs, (stdio?.deadlines.callSeconds ?? limits.callSeconds) * 1_000))
  const shortestMs = Math.min(callMs, ...own.values())
  return ({ route, call, upstream }) => {
    const name = route.kind === 'upstream' ? route.upstream : upstream
    if (name !== undefined) return own.get(name) ?? callMs
    return call === undefined ? shortestMs : callMs
  }
}

/** A GET is a session's own stream; it and a subscription stay open for as long as something is to be told. */
const lasts = (exchange: { readonly head: { readonly method: string } }): boolean =>
  exchange.head.method === 'GET' || isLasting((exchange as Partial<Understood>).call?.method)

function slotRules({ total, perPrincipal, queue }: Config['limits']['concurrency']) {
  return {
    maxTotal: total,
    maxPerPrincipal: perPrincipal,
    reserved: Math.min(16, Math.floor(total / 8)),
    maxQueued: queue,
    maxQueuedPerPrincipal: Math.max(perPrincipal, Math.ceil(queue / 4)),
  }
}

/** The names by which this listener may be called: its public one, those spelled out, and on loopback the usual ones. */
function originRules({ listen }: Config, publicUrl: string) {
  const { host, port, protocol, origin } = new URL(publicUrl)
  const loopback = ['localhost', '127.0.0.1', '[::1]'].map((name) => (port === '' ? name : `${name}:${port}`))
  const isLoopback = loopback.includes(host)
  const scheme = protocol === 'https:' ? 'https' : 'http'
  return {
    hosts: [host, ...(isLoopback ? loopback : []), ...listen.allowedHosts],
    defaultPort: protocol === 'https:' ? 443 : 80,
    origins: [origin, ...(isLoopback ? loopback.map((name) => `${scheme}://${name}`) : []), ...listen.allowedOrigins],
  }
}
