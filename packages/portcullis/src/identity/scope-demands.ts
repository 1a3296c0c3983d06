/** Decides which OAuth scopes a token needs for what (ID-3): a scope is demanded for all that lists it. */
import { requireScope } from './scope.ts'

export interface ScopeRule {
  readonly scope: string
  /** Scopes that it stands for, and those that they stand for. */
  readonly includes: readonly string[]
  /** Upstreams for each message to which it is demanded. */
  readonly upstreams: readonly string[]
  /** `UPSTREAM/TOOL`, with `*` for any text, for each call of which it is demanded too. */
  readonly tools: readonly string[]
}

export class ScopeDemands {
  readonly #rules: readonly ScopeRule[]
  readonly #included: ReadonlyMap<string, ReadonlySet<string>>
  readonly #byUpstream = new Map<string, readonly string[]>()
  readonly #byTool = new Map<string, readonly string[]>()

  /** Throws a TypeError for a scope that is none. */
  constructor(rules: readonly ScopeRule[]) {
    for (const { scope, includes } of rules) [scope, ...includes].forEach(requireScope)
    this.#rules = rules
    this.#included = new Map(rules.map(({ scope }) => [scope, closure(scope, rules)]))
  }

  /** What every message to the upstream needs, in the order of the rules. Ask only for upstreams that exist. */
  ofUpstream(upstream: string): readonly string[] {
    const known = this.#byUpstream.get(upstream)
    if (known !== undefined) return known
    const needed = this.#rules.filter((rule) => rule.upstreams.includes(upstream)).map(({ scope }) => scope)
    this.#byUpstream.set(upstream, needed)
    return needed
  }

  /** All that a call of the tool needs, what the upstream needs included. Ask only for tools that exist. */
  ofTool(upstream: string, tool: string): readonly string[] {
    const id = `${upstream}/${tool}`
    const known = this.#byTool.get(id)
    if (known !== undefined) return known
    const needed = this.#rules
      .filter((rule) => rule.upstreams.includes(upstream) || rule.tools.some((pattern) => matches(pattern, id)))
      .map(({ scope }) => scope)
    this.#byTool.set(id, needed)
    return needed
  }

  /** What some upstream needs of each message, each scope once. */
  ofAll(upstreams: readonly string[]): readonly string[] {
    return [...new Set(upstreams.flatMap((upstream) => this.ofUpstream(upstream)))]
  }

  /** Whether the granted scopes, with all that they include, hold each one that is needed. */
  holds(granted: readonly string[], needed: readonly string[]): boolean {
    return needed.every(
      (scope) => granted.includes(scope) || granted.some((one) => this.#included.get(one)?.has(scope) === true),
    )
  }
}

function closure(scope: string, rules: readonly ScopeRule[]): ReadonlySet<string> {
  const found = new Set<string>()
  const waiting = [scope]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next)) continue
    found.add(next)
    waiting.push(...(rules.find((rule) => rule.scope === next)?.includes ?? []))
  }
  return found
}

/** Each piece between the stars is taken at its first place, so the work grows with the length alone. */
function matches(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === text
  const tail = rest.pop() ?? ''
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false
  const end = text.length - tail.length
  let at = head.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
