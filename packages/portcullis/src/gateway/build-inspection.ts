/** The configuration of the inspection to plans, and its names against the tools that there really are. */
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { Prover } from '../core/tls-agent.ts'
import { type ApprovedRoles, ArgumentPlans } from '../inspection/argument-plan.ts'
import { type InspectionSettings, type SettingsProblem, settingsProblems } from '../inspection/argument-settings.ts'
import { roleInspectors } from '../inspection/all-detectors.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { buildResults, type ResultInspection } from './build-results.ts'

type Definitions = ReadonlyMap<string, readonly ToolDefinition[]>

/** What the stages of the inspection are made of. */
export interface InspectionParts {
  readonly settings: InspectionSettings
  readonly plans: ArgumentPlans
  readonly results: ResultInspection
  /** Tells what no longer fits and makes the plans of new definitions. What does not fit is refused meanwhile. */
  follow(definitions: Definitions): void
}

/** Thrown at the start with every name that the configuration of the inspection has wrong. */
export class InspectionError extends Error {
  override readonly name = 'InspectionError'
}

/**
 * Throws InspectionError when a tool or an argument is named that an upstream, as far as its tools are known, does not have:
 * a rule for an argument that is misspelled protects nothing. Throws SecretError for a canary that cannot be read.
 */
export function buildInspection(
  config: Config,
  known: Definitions,
  log: Logger,
  environment: Environment,
  approved: ApprovedRoles,
  prover: Prover,
): InspectionParts {
  const upstreams = Object.entries(config.upstreams).map(([name, { inspection }]) => [name, inspection] as const)
  const settings: InspectionSettings = { ...config.inspection, upstreams: Object.fromEntries(upstreams) }
  const problems = problemsOf(settings, known)
  if (problems.length > 0) throw new InspectionError(problems.map(({ path, wrong }) => `${path}: ${wrong}`).join('\n'))
  const results = buildResults(config, environment, prover)
  const plans = new ArgumentPlans(settings, roleInspectors(results.canary), approved)
  return {
    settings,
    plans,
    results,
    follow(definitions) {
      for (const problem of problemsOf(settings, definitions))
        log.warn('the inspection does not fit the tools', problem)
      for (const tools of definitions.values()) {
        plans.prepare(tools).catch((error: unknown) => log.error('a parser cannot be loaded', { error }))
      }
    },
  }
}

function problemsOf(settings: InspectionSettings, definitions: Definitions) {
  return [...definitions].flatMap(([upstream, tools]) =>
    settingsProblems(upstream, settings.upstreams[upstream], tools).map((problem) => told(problem, tools)),
  )
}

function told({ upstream, tool, argument }: SettingsProblem, tools: readonly ToolDefinition[]) {
  const path = `upstreams.${upstream}.inspection.tools.${tool}`
  if (argument !== undefined) return { path: `${path}.arguments.${argument}`, wrong: 'the tool has no such argument' }
  const names = tools.map(({ name }) => name)
  const shown = `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`
  return { path, wrong: `the upstream has no such tool; it has ${names.length === 0 ? 'none' : shown}` }
}
