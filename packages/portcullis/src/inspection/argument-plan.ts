/** Decides which string of a call is looked at by what: made once for each definition, walked by each call. */
import { ownTurn } from '../core/turns.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { type InspectionSettings, pointerOf, type ToolSettings, unknownArguments } from './argument-settings.ts'
import type { PlanNode, Station } from './plan-node.ts'
import { type ArgumentSurvey, surveyArguments } from './propose-roles.ts'
import type { ArgumentRoles, Role } from './role.ts'
import type { ArgumentRule, RoleInspectors } from './role-inspectors.ts'
import { besideNode, uriStation } from './beside-stations.ts'
import { replaceOldest } from './replace-oldest.ts'
import { isShadow, type VerdictRules, verdictsFor } from './verdict.ts'

export type ArgumentPlan =
  | {
      readonly usable: true
      readonly root: PlanNode
      /** Of what a message carries beside its arguments. */
      readonly beside: PlanNode
      readonly text: Station
      readonly shadow: boolean
    }
  | { readonly usable: false; readonly reason: string }

/** What somebody has read and approved of the meaning of arguments. */
export interface ApprovedRoles {
  /** Another number whenever an answer may have changed. */
  readonly generation: number
  /** Undefined where nobody has decided anything. */
  rolesOf(upstream: string, tool: string): ArgumentRoles | undefined
}

const NOBODY_DECIDED: ApprovedRoles = { generation: 0, rolesOf: () => undefined }

/** A plan and the definition that it was made for. */
interface Kept {
  readonly digest: string
  readonly plan: ArgumentPlan
}

/**
 * Keeps one plan for each name of a tool, with the digest of its definition: a changed definition never meets the plan of
 * the old one, and an upstream that changes its tools all day fills no memory.
 */
export class ArgumentPlans {
  readonly #settings: InspectionSettings
  readonly #inspectors: RoleInspectors
  readonly #approved: ApprovedRoles
  readonly #maxTools: number
  readonly #plans = new Map<string, Kept>()
  readonly #plain = new Map<string, ArgumentPlan>()
  #generation = 0

  constructor(
    settings: InspectionSettings,
    inspectors: RoleInspectors,
    approved: ApprovedRoles = NOBODY_DECIDED,
    maxTools = 10_000,
  ) {
    this.#settings = settings
    this.#inspectors = inspectors
    this.#approved = approved
    this.#maxTools = maxTools
  }

  /** The plan of `tool`; a promise only while a parser that it needs is not loaded yet, which rejects when it cannot be. */
  of(tool: ToolDefinition): ArgumentPlan | Promise<ArgumentPlan> {
    this.#refresh()
    return this.#kept(tool) ?? this.#make(tool)
  }

  #kept(tool: ToolDefinition): ArgumentPlan | undefined {
    const kept = this.#plans.get(keyOf(tool))
    return kept?.digest === tool.digest ? kept.plan : undefined
  }

  /** For what is no tool, such as the arguments of a prompt: all of it is text, but for the `uri` of a resource. */
  plain(upstream: string, what: 'resource' | 'other' = 'other'): ArgumentPlan {
    const key = `${what} ${upstream}`
    const known = this.#plain.get(key)
    if (known !== undefined) return known
    const levels = [this.#settings.upstreams[upstream], this.#settings].filter((level) => level !== undefined)
    const plan = this.#plan({ patterns: new Map(), within: new Map(), loops: new Map() }, levels)
    if (what === 'resource') step(plan.root, 'uri').station = uriStation(plan.text, levels)
    this.#plain.set(key, plan)
    return plan
  }

  /** Makes what is not made yet, one tool a turn, so that no call has to wait for it. Rejects when a parser cannot be loaded. */
  async prepare(tools: readonly ToolDefinition[]): Promise<void> {
    for (const tool of tools) {
      this.#refresh()
      if (this.#kept(tool) !== undefined) continue
      await this.of(tool)
      await ownTurn()
    }
  }

  /** Forgets the plans of other roles than those that are approved now. */
  #refresh(): void {
    const { generation } = this.#approved
    if (generation !== this.#generation) this.#plans.clear()
    this.#generation = generation
  }

  #make(tool: ToolDefinition): ArgumentPlan | Promise<ArgumentPlan> {
    const upstream = this.#settings.upstreams[tool.upstream]
    const own = upstream?.tools?.[tool.name]
    const levels = [own, upstream, this.#settings].filter((level) => level !== undefined)
    const { generation } = this.#approved
    const stations = stationsOf(tool, own, this.#approved.rolesOf(tool.upstream, tool.name))
    const finish = (): ArgumentPlan => {
      const plan = stations.usable ? this.#plan(stations, levels) : stations
      // Other roles were approved while a parser was loaded.
      if (generation !== this.#approved.generation) return plan
      replaceOldest(this.#plans, keyOf(tool), { digest: tool.digest, plan }, this.#maxTools)
      return plan
    }
    if (!stations.usable) return finish()
    const loading = this.#inspectors.load(stations.patterns.values())
    return loading === undefined ? finish() : loading.then(finish)
  }

  #plan({ patterns, within, loops }: Places, levels: readonly VerdictRules[]): Usable {
    const root: PlanNode = { members: new Map() }
    const proposed = new Map<Role, Station>()
    const station = (rule: ArgumentRule): Station => {
      const { role = 'text' } = rule
      // A role alone means the same wherever it stands, and a hostile tool may have a thousand arguments.
      const known = Object.keys(rule).length > 1 ? undefined : proposed.get(role)
      const made = known ?? this.#station(rule, levels)
      if (Object.keys(rule).length === 1) proposed.set(role, made)
      return made
    }
    for (const [pattern, rule] of patterns) nodeAt(root, pattern).station = station(rule)
    for (const [pointer, rule] of within) nodeAt(root, pointer).inside = station(rule)
    for (const [from, to] of loops) extend(nodeAt(root, from), nodeAt(root, to))
    const text = this.#station({ role: 'text' }, levels)
    return { usable: true, root, beside: besideNode(text, levels), text, shadow: isShadow(levels) }
  }

  #station(rule: ArgumentRule, levels: readonly VerdictRules[]): Station {
    const role = rule.role ?? 'text'
    return { role, ...this.#inspectors.of(rule), judge: verdictsFor(levels, role) }
  }
}

type Usable = Extract<ArgumentPlan, { usable: true }>

/** Names of upstreams have no spaces. */
const keyOf = ({ upstream, name }: ToolDefinition): string => `${upstream} ${name}`

interface Places {
  readonly patterns: ReadonlyMap<string, ArgumentRule>
  /** By the pointer of an object or a list: what is configured for everything inside. */
  readonly within: ReadonlyMap<string, ArgumentRule>
  readonly loops: ArgumentSurvey['loops']
}

type Stations = ({ readonly usable: true } & Places) | { readonly usable: false; readonly reason: string }

/** Proposed roles, over them approved ones, and over these what is configured: for an argument and for everything inside it. */
function stationsOf(
  tool: ToolDefinition,
  own: ToolSettings | undefined,
  approved: ArgumentRoles = new Map(),
): Stations {
  const survey = surveyArguments(tool)
  const unknown = unknownArguments(own, survey)
  if (unknown.length > 0)
    return { usable: false, reason: `the configuration names unknown arguments: ${unknown.join(', ')}` }
  const roles = [...survey.roles, ...approved]
  const patterns = new Map<string, ArgumentRule>(roles.map(([pattern, role]) => [pattern, { role }]))
  const within = new Map<string, ArgumentRule>()
  const configured = Object.entries(own?.arguments ?? {}).map(([name, rule]) => [pointerOf(name), rule] as const)
  for (const [pointer, rule] of configured.toSorted(([a], [b]) => order(a, b))) {
    const role = rule.role ?? roleByRule(rule)
    const inner = [pointer, ...survey.declared].filter((known) => covers(pointer, known))
    if (role !== undefined) for (const known of inner) within.set(known, { ...rule, role })
    for (const pattern of [pointer, ...patterns.keys()].filter((known) => covers(pointer, known)))
      patterns.set(pattern, { ...rule, role: role ?? patterns.get(pattern)?.role ?? 'text' })
  }
  const loops = [...survey.loops].filter(([from]) => !configured.some(([pointer]) => covers(pointer, from)))
  return { usable: true, patterns, within, loops: new Map(loops) }
}

/** The deepest last, and of one depth the most precise, so that what is said about a part is not undone by what is said about more. */
function order(one: string, other: string): number {
  const [a, b] = [one.split('/'), other.split('/')]
  const stars = (tokens: readonly string[]) => tokens.filter((token) => token === '*').length
  return a.length - b.length || stars(b) - stars(a)
}

/** Whether a pattern is what a configured pointer names, or something inside of it. */
function covers(pointer: string, pattern: string): boolean {
  const tokens = pattern.split('/')
  return pointer.split('/').every((token, at) => token === tokens[at] || (token === '*' && tokens[at] !== undefined))
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

/** A schema inside of itself: what is below `known` may come below `node` again, and so on. */
function extend(node: PlanNode, known: PlanNode): void {
  for (const [name, member] of known.members) if (!node.members.has(name)) node.members.set(name, member)
  if (known.any !== undefined) node.any ??= known.any
  if (known.station !== undefined) node.station ??= known.station
}
