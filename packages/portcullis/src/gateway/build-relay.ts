import { randomBytes } from 'node:crypto'
import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import { Cancellation } from '../core/cancellation.ts'
import type { Clock } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import { paramHeaderProblems, paramHeadersFor } from '../inspection/param-headers.ts'
import type { ToolSchemas } from '../inspection/tool-schemas.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Params } from '../mcp/message.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import { visibilityOf } from '../policy/trim.ts'
import { Parking } from '../upstream/relay/parking.ts'
import type { RelayParts } from '../upstream/relay/parts.ts'
import { StateSeal } from '../upstream/relay/seal-state.ts'
import { SessionListeners } from '../upstream/relay/session-listener.ts'
import { SessionTable } from '../upstream/relay/session-table.ts'
import { TaskTable } from '../upstream/relay/task-table.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { scopeOf } from './scope.ts'

/** How long a client may take to answer the questions of an upstream. */
const ANSWER_MS = 10 * 60_000
const MAX_PARKED = 1_000
const MAX_PARKED_EACH = 64
const MAX_SESSIONS = 10_000

export interface RelayInput {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly engine: () => PolicyEngine
  readonly schemas: ToolSchemas
  readonly upstreams: ReadonlyMap<string, Upstream>
}

/** What the relay needs to carry messages. The key of sealed states lives as long as the process, like parked calls. */
export function buildRelay({ config, clock, log, engine, schemas, upstreams }: RelayInput): RelayParts {
  const { sessions } = config.limits
  const limits = { perPrincipal: sessions.perPrincipal, total: MAX_SESSIONS, idleMs: sessions.idleSeconds * 1_000 }
  return {
    upstreams,
    sessions: new SessionTable(limits, clock),
    listeners: new SessionListeners(),
    seal: new StateSeal(new Secret(randomBytes(32)), ANSWER_MS, clock),
    tasks: new TaskTable(),
    parking: new Parking(ANSWER_MS, MAX_PARKED, MAX_PARKED_EACH),
    visibility: visibilityOf(engine),
    advertise: (tool) => advertised(config, schemas, tool),
    paramHeaders: (tool, args) => paramHeadersFor(tool, args),
    scopeOf: (principal, upstream) => scopeOf(config, principal, upstream),
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
