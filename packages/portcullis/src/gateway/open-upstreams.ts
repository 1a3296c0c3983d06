/** Decides what is made of the servers behind the gateway and of what they offer, now and whenever that changes. */
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { Prover } from '../core/tls-agent.ts'
import { readUpstream } from '../inspection/read-json.ts'
import { ToolSchemas } from '../inspection/tool-schemas.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { buildInspection } from './build-inspection.ts'
import { tellUnkept } from './build-payloads.ts'
import { buildUpstreams, type UpstreamParts } from './build-upstreams.ts'
import type { Telemetry } from './build-telemetry.ts'
import { linkObserver } from './open-telemetry.ts'
import type { DefinitionsInForce } from './definitions-in-force.ts'
import type { Observation } from './observation.ts'
import { PolicyPoint } from './policy-point.ts'
import { Processes } from './processes.ts'
import { startDefinitions } from './start-definitions.ts'
import type { Started } from './open-ground.ts'

interface RuleGround {
  readonly config: Config
  readonly log: Logger
  readonly environment: Environment
  readonly inForce: DefinitionsInForce
  readonly prover: Prover
}

/** What is made of the definitions of tools, now and whenever they change. */
export async function openRules(
  { config, log, environment, inForce, prover }: RuleGround,
  upstreams: ReadonlyMap<string, Upstream>,
  started: Started,
) {
  const schemas = new ToolSchemas()
  const definitions = await startDefinitions(config.state, upstreams, firstAnswerMs(config), log)
  const policy = await PolicyPoint.load(config, definitions.known, log)
  const inspection = buildInspection(config, definitions.known, log, environment, inForce, prover)
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
export async function openUpstreams(parts: UpstreamGround, ledger: Ledger, started: Started) {
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

/** As long as the slowest program may take to start; what is behind HTTP runs already. */
function firstAnswerMs({ upstreams }: Config): number {
  return Math.max(30, ...Object.values(upstreams).map(({ stdio }) => stdio?.deadlines.startSeconds ?? 0)) * 1_000
}
