/** Decides which string of a call is looked at by what: made once for each definition, walked by each call. */
import type { ToolDefinition } from '../mcp/definition.ts'
import { type InspectionSettings, pointerOf, type ToolSettings, unknownArguments } from './argument-settings.ts'
import type { Inspect, Sighting } from './finding.ts'
import { surveyArguments } from './propose-roles.ts'
import type { Role } from './role.ts'
import type { ArgumentRule, RoleInspectors } from './role-inspectors.ts'
import { isShadow, type Verdict, type VerdictRules, verdictsFor } from './verdict.ts'

/** What is asked about one string. */
export interface Station {
  readonly role: Role
  /** The whole of a value means something only as a whole, so a long one is not cut into slices. */
  readonly whole: boolean
  /** Passes a value that has nothing in it which any detector looks for. Absent where a rule has to see every value. */
  readonly inspect: Inspect
  readonly judge: (sighting: Sighting) => Verdict
}

/** A place in the arguments. */
export interface PlanNode {
  readonly members: Map<string, PlanNode>
  any?: PlanNode
  station?: Station
}

export type ArgumentPlan =
  | { readonly usable: true; readonly root: PlanNode; readonly text: Station; readonly shadow: boolean }
  | { readonly usable: false; readonly reason: string }

/** Keeps the plans of tools by upstream and definition, so that a changed definition never meets the plan of the old one. */
export class ArgumentPlans {
  readonly #settings: InspectionSettings
  readonly #inspectors: RoleInspectors
  readonly #maxTools: number
  readonly #plans = new Map<string, ArgumentPlan>()
  readonly #plain = new Map<string, ArgumentPlan>()

  constructor(settings: InspectionSettings, inspectors: RoleInspectors, maxTools = 10_000) {
    this.#settings = settings
    this.#inspectors = inspectors
    this.#maxTools = maxTools
  }

  /** The plan of `tool`; a promise only while a parser that it needs is not loaded yet, which rejects when it cannot be. */
  of(tool: ToolDefinition): ArgumentPlan | Promise<ArgumentPlan> {
    const key = `${tool.upstream} ${tool.digest}`
    return this.#plans.get(key) ?? this.#make(tool, key)
  }

  /** For what is no tool, such as the arguments of a prompt: all of it is text. */
  plain(upstream: string): ArgumentPlan {
    const known = this.#plain.get(upstream)
    if (known !== undefined) return known
    const levels = [this.#settings.upstreams[upstream], this.#settings].filter((level) => level !== undefined)
    const plan = this.#plan(new Map(), levels)
    this.#plain.set(upstream, plan)
    return plan
  }

  /** Makes what is not made yet, so that no call has to wait for it. Rejects when a parser cannot be loaded. */
  async prepare(tools: readonly ToolDefinition[]): Promise<void> {
    for (const tool of tools) await this.of(tool)
  }

  #make(tool: ToolDefinition, key: string): ArgumentPlan | Promise<ArgumentPlan> {
    const upstream = this.#settings.upstreams[tool.upstream]
    const own = upstream?.tools?.[tool.name]
    const levels = [own, upstream, this.#settings].filter((level) => level !== undefined)
    const stations = stationsOf(tool, own)
    const finish = (): ArgumentPlan => {
      const plan = stations.usable ? this.#plan(stations.patterns, levels) : stations
      if (this.#plans.size >= this.#maxTools) this.#plans.delete(this.#plans.keys().next().value as string)
      this.#plans.set(key, plan)
      return plan
    }
    if (!stations.usable) return finish()
    const loading = this.#inspectors.load(stations.patterns.values())
    return loading === undefined ? finish() : loading.then(finish)
  }

  #plan(patterns: ReadonlyMap<string, ArgumentRule>, levels: readonly VerdictRules[]): ArgumentPlan {
    const root: PlanNode = { members: new Map() }
    for (const [pattern, rule] of patterns) nodeAt(root, pattern).station = this.#station(rule, levels)
    return { usable: true, root, text: this.#station({ role: 'text' }, levels), shadow: isShadow(levels) }
  }

  #station(rule: ArgumentRule, levels: readonly VerdictRules[]): Station {
    const role = rule.role ?? 'text'
    return { role, ...this.#inspectors.of(rule), judge: verdictsFor(levels, role) }
  }
}

type Stations =
  | { readonly usable: true; readonly patterns: ReadonlyMap<string, ArgumentRule> }
  | { readonly usable: false; readonly reason: string }

/** Proposed roles, and over them what is configured: for an argument and for everything inside it. */
function stationsOf(tool: ToolDefinition, own: ToolSettings | undefined): Stations {
  const survey = surveyArguments(tool)
  const unknown = unknownArguments(own, survey)
  if (unknown.length > 0)
    return { usable: false, reason: `the configuration names unknown arguments: ${unknown.join(', ')}` }
  const patterns = new Map<string, ArgumentRule>([...survey.roles].map(([pattern, role]) => [pattern, { role }]))
  // The deepest last, so that what is said about a member is not undone by what is said about its parent.
  const configured = Object.entries(own?.arguments ?? {}).map(([name, rule]) => [pointerOf(name), rule] as const)
  for (const [pointer, rule] of configured.toSorted(([a], [b]) => a.length - b.length)) {
    const inside = [...patterns.keys()].filter((pattern) => pattern.startsWith(`${pointer}/`))
    for (const pattern of [pointer, `${pointer}/*`, ...inside]) {
      patterns.set(pattern, { ...rule, role: rule.role ?? roleByRule(rule) ?? patterns.get(pattern)?.role ?? 'text' })
    }
  }
  return { usable: true, patterns }
}

/** Rules for SQL say that it is SQL. */
function roleByRule({ sql, shell, path, url, host }: ArgumentRule): Role | undefined {
  if (sql !== undefined) return 'sql'
  if (shell !== undefined) return 'shell'
  if (path !== undefined) return 'path'
  if (url !== undefined) return 'url'
  return host === undefined ? undefined : 'host'
}

function nodeAt(root: PlanNode, pattern: string): PlanNode {
  let node = root
  for (const token of pattern.split('/').slice(1)) node = step(node, token.replaceAll('~1', '/').replaceAll('~0', '~'))
  return node
}

function step(node: PlanNode, name: string): PlanNode {
  if (name === '*') return (node.any ??= { members: new Map() })
  const known = node.members.get(name)
  if (known !== undefined) return known
  const made: PlanNode = { members: new Map() }
  node.members.set(name, made)
  return made
}
