import { randomBytes } from 'node:crypto'
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import { Cancellation } from '../core/cancellation.ts'
import type { Clock } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import type { ScopeDemands } from '../identity/scope-demands.ts'
import { paramHeaderProblems, paramHeadersFor } from '../inspection/param-headers.ts'
import type { ToolSchemas } from '../inspection/tool-schemas.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Params } from '../mcp/message.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import { visibilityOf } from '../policy/trim.ts'
import { Approvals } from '../upstream/relay/approval.ts'
import { Parking } from '../upstream/relay/parking.ts'
import type { RelayParts } from '../upstream/relay/parts.ts'
import { StateSeal } from '../upstream/relay/seal-state.ts'
import { SessionListeners } from '../upstream/relay/session-listener.ts'
import { SessionTable } from '../upstream/relay/session-table.ts'
import { TaskTable } from '../upstream/relay/task-table.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Explain } from './access-explainer.ts'
import { approvalWitness } from './approvals.ts'
import { atRest } from './places.ts'
import { scopeOf } from './scope.ts'
import { scopedVisibility } from './scoped-visibility.ts'

/** How long a client may take to answer the questions of an upstream. */
const ANSWER_MS = 10 * 60_000
const MAX_PARKED = 1_000
const MAX_PARKED_EACH = 64
const MAX_SESSIONS = 10_000

export interface RelayInput {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly ledger: Ledger
  readonly engine: () => PolicyEngine
  readonly schemas: ToolSchemas
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly demands: ScopeDemands
  readonly within: RelayParts['within']
  readonly protect?: RelayParts['protect']
  /** The explanation that needs the seal and what the caller may see, which are made here. */
  readonly explain: ((parts: Pick<RelayParts, 'seal' | 'visibility'>) => Explain) | undefined
}

/** The parts of the relay, and what other stages share with it. */
export type BuiltRelay = Omit<RelayParts, 'explain'> & {
  readonly explain?: Explain
  readonly approvals: Approvals
}

/** What the relay needs to carry messages. The key of sealed states lives as long as the process, like parked calls. */
export function buildRelay(input: RelayInput): BuiltRelay {
  const { config, clock, log, engine, schemas, upstreams, demands, within, protect } = input
  const { sessions } = config.limits
  const limits = { perPrincipal: sessions.perPrincipal, total: MAX_SESSIONS, idleMs: sessions.idleSeconds * 1_000 }
  const seal = new StateSeal(new Secret(randomBytes(32)), ANSWER_MS, clock)
  const approvals = new Approvals({ seal, clock, answerMs: ANSWER_MS, witness: approvalWitness(input.ledger) })
  const visibility = scopedVisibility(visibilityOf(engine), demands)
  const explain = input.explain?.({ seal, visibility })
  return {
    upstreams,
    sessions: new SessionTable(limits, clock),
    listeners: new SessionListeners(),
    seal,
    tasks: new TaskTable(),
    parking: new Parking(ANSWER_MS, MAX_PARKED, MAX_PARKED_EACH),
    visibility,
    advertise: (tool) => advertised(config, schemas, tool),
    paramHeaders: (tool, args) => paramHeadersFor(tool, args),
    scopeOf: (principal, upstream) => scopeOf(config, principal, upstream),
    ...(within && { within }),
    ...(protect && { protect }),
    ...(explain && { explain }),
    approvals,
    carry: (exchange) => approvals.carry(exchange),
    rest: atRest,
    ending: new Cancellation(),
    warn: (message, facts) => log.warn(message, facts),
  }
}

/** What cannot be checked is not shown; nor, from an HTTP upstream, what its revision tells clients to leave out. */
function advertised(config: Config, schemas: ToolSchemas, tool: ToolDefinition): Params | undefined {
  const overHttp = config.upstreams[tool.upstream]?.http !== undefined
  if (schemas.problem(tool) !== undefined || (overHttp && paramHeaderProblems(tool).length > 0)) return undefined
  return { ...tool.raw, inputSchema: schemas.advertised(tool) }
}
