/** Checks policies against the schema, and conditions on arguments against every tool that they can reach. */
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Cedar, CedarMistake, Verdict } from './cedar.ts'
import { toolEntity } from './entities.ts'
import { ScopeIndex } from './index-by-scope.ts'
import type { Policy } from './policy.ts'
import { type PolicyProblem, suggest } from './problem.ts'
import { schemaText, shapeText } from './schema.ts'
import { type RecordShape, shapeOf } from './shape.ts'
import { Lines, unitsOf } from './source.ts'
import { entityId, type Vocabulary } from './vocabulary.ts'

export interface Validation {
  readonly problems: readonly PolicyProblem[]
  /** For each tool id, the policies that cannot be evaluated for it. */
  readonly broken: ReadonlyMap<string, ReadonlySet<Policy>>
}

/** Checks one tool's arguments only once for all tools that look alike to the policies. */
export class Validator {
  readonly #cedar: Cedar
  readonly #files: ReadonlyMap<string, Lines>
  readonly #verdicts = new Map<string, Map<Policy, Verdict>>()

  constructor(cedar: Cedar, files: ReadonlyMap<string, Lines>) {
    this.#cedar = cedar
    this.#files = files
  }

  validate(policies: readonly Policy[], vocabulary: Vocabulary): Validation {
    const problems: PolicyProblem[] = []
    const broken = new Map<string, Set<Policy>>()
    const [plain, reading] = partition(policies, readsArguments)
    const verdicts = this.#judge(plain, NO_ARGUMENTS, vocabulary)
    for (const policy of plain) problems.push(...this.#told(policy, verdicts.get(policy) as Verdict))
    const possible = new Map<Policy, boolean>()
    for (const { shape, reached } of groupTools(vocabulary, reading)) {
      const judged = this.#judge([...reached.keys()], shape, vocabulary)
      for (const [policy, tools] of reached) {
        const { mistakes, impossible } = judged.get(policy) as Verdict
        possible.set(policy, possible.get(policy) || !impossible || mistakes.length > 0)
        problems.push(...mistakes.map((mistake) => this.#place(policy, mistake, tools[0])))
        if (mistakes.length > 0) for (const tool of tools) remember(broken, entityId(tool.upstream, tool.name), policy)
      }
    }
    for (const [policy, once] of possible) if (!once) problems.push(this.#never(policy))
    return { problems: withoutRepeats(problems), broken }
  }

  #judge(policies: readonly Policy[], shape: RecordShape, vocabulary: Vocabulary): ReadonlyMap<Policy, Verdict> {
    const schema = schemaText(vocabulary, shape)
    const known = this.#verdicts.get(schema) ?? new Map<Policy, Verdict>()
    this.#verdicts.set(schema, known)
    const fresh = policies.filter((policy) => !known.has(policy))
    if (fresh.length === 0) return known
    const verdicts = this.#cedar.validate(
      schema,
      fresh.map(({ source }) => source.text),
    )
    for (const [index, policy] of fresh.entries()) known.set(policy, verdicts[index] as Verdict)
    return known
  }

  #told(policy: Policy, { mistakes, impossible }: Verdict): PolicyProblem[] {
    if (mistakes.length > 0) return mistakes.map((mistake) => this.#place(policy, mistake, undefined))
    return impossible ? [this.#never(policy)] : []
  }

  #never(policy: Policy): PolicyProblem {
    const wrong = 'this policy can never apply'
    const right = 'its action must act on its resource, and its conditions must be able to hold together'
    return { ...this.#at(policy, 0), wrong, right }
  }

  #place(policy: Policy, mistake: CedarMistake, tool: ToolDefinition | undefined): PolicyProblem {
    return { ...this.#at(policy, mistake.at), ...(tool ? ofTool(mistake, tool) : cedarWords(mistake)) }
  }

  #at({ source }: Policy, bytes: number): Pick<PolicyProblem, 'file' | 'line' | 'column'> {
    const offset = source.offset + unitsOf(source.text, bytes)
    return { file: source.file, ...(this.#files.get(source.file) ?? new Lines('')).at(offset) }
  }
}

const NO_ARGUMENTS: RecordShape = { kind: 'Record', fields: new Map(), unusable: new Map() }

const cedarWords = ({ message, help }: CedarMistake) => ({ wrong: message, right: help ?? 'see the guide to policies' })

/** Says which argument of which tool is meant, where Cedar speaks of attributes of a context. */
function ofTool(mistake: CedarMistake, tool: ToolDefinition): Pick<PolicyProblem, 'wrong' | 'right'> {
  const name = /^attribute `args\.([^`.]+)/.exec(mistake.message)?.[1]
  const id = JSON.stringify(entityId(tool.upstream, tool.name))
  const shape = shapeOf(tool.inputSchema)
  if (name === undefined || shape.fields.has(name)) {
    return { ...cedarWords(mistake), wrong: `${mistake.message} (for tool ${id})` }
  }
  const unusable = shape.unusable.get(name)
  if (unusable !== undefined) {
    const wrong = `argument ${JSON.stringify(name)} of tool ${id} is ${unusable}`
    return { wrong, right: 'conditions can read strings, integers, numbers, booleans, and arrays and objects of these' }
  }
  const wrong = `tool ${id} has no argument ${JSON.stringify(name)}`
  return {
    wrong,
    right: `${suggest(name, [...shape.fields.keys()], 'argument')} (or test it first: context.args has ${name} && …)`,
  }
}

interface ToolGroup {
  readonly shape: RecordShape
  /** For each policy, the tools of this group that its scope matches. */
  readonly reached: Map<Policy, ToolDefinition[]>
}

/** Tools are alike when the arguments that any policy mentions have the same types. */
function groupTools({ tools, tenants }: Vocabulary, policies: readonly Policy[]): readonly ToolGroup[] {
  const has = (tenant: string | undefined, upstream: string) =>
    tenant === undefined || tenants === undefined || tenants.get(tenant)?.upstreams.includes(upstream) === true
  const index = new ScopeIndex(policies)
  const mentioned = attributeNames(policies)
  const groups = new Map<string, ToolGroup>()
  for (const tool of [...tools.values()].flat()) {
    const reaching = [...index.candidates('tools/call', toolEntity(tool)).values()]
      .flat()
      .filter(({ source }) => has(source.tenant, tool.upstream))
    if (reaching.length === 0) continue
    const whole = shapeOf(tool.inputSchema)
    const shape = { ...whole, fields: new Map([...whole.fields].filter(([name]) => mentioned.has(name))) }
    const key = shapeText(shape)
    const group = groups.get(key) ?? { shape, reached: new Map() }
    groups.set(key, group)
    for (const policy of reaching) append(group.reached, policy, tool)
  }
  return [...groups.values()]
}

function readsArguments({ json, scope }: Policy): boolean {
  return scope.actions.has('tools/call') && JSON.stringify(json.conditions).includes('"args"')
}

/** Every attribute name in the conditions: Cedar has no computed names, so an argument that is not here is not read. */
function attributeNames(policies: readonly Policy[]): ReadonlySet<string> {
  const names = new Set<string>()
  JSON.stringify(
    policies.map(({ json }) => json.conditions),
    (key, value: unknown) => {
      if (key === 'attr') for (const name of [value].flat()) names.add(String(name))
      return value
    },
  )
  return names
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter((item) => !test(item)), items.filter(test)]
}

/** In place: a policy about everything reaches every tool, and a copy of the list for each would be quadratic. */
function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const known = lists.get(key)
  if (known === undefined) lists.set(key, [value])
  else known.push(value)
}

function remember(broken: Map<string, Set<Policy>>, tool: string, policy: Policy): void {
  broken.set(tool, (broken.get(tool) ?? new Set()).add(policy))
}

/** One condition fails alike for many tools, and Cedar repeats a mistake for each action. */
function withoutRepeats(problems: readonly PolicyProblem[]): readonly PolicyProblem[] {
  const seen = new Set<string>()
  return problems.filter(({ file, line, column, wrong }) => {
    const key = JSON.stringify([file, line, column, wrong.replace(/^tool "[^"]*"/, '')])
    return seen.has(key) ? false : seen.add(key)
  })
}
