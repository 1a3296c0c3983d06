import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import { isAnswered, loadPolicies } from '../policy/load.ts'
import type { PolicySource } from '../policy/source.ts'
import type { Vocabulary } from '../policy/vocabulary.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type KeptCedar, keptCedar } from './cedar-answers.ts'
import { askCedarApart } from './cedar-apart.ts'
import { policySources, policyWords } from './policy-sources.ts'

type Definitions = ReadonlyMap<string, readonly ToolDefinition[]>

/**
 * Holds the policies in force. They are checked anew whenever an upstream changes its tools; what no longer fits denies,
 * and the log says so.
 */
export class PolicyPoint {
  #engine: PolicyEngine
  readonly #kept: KeptCedar
  readonly #log: Logger

  private constructor(engine: PolicyEngine, kept: KeptCedar, log: Logger) {
    this.#engine = engine
    this.#kept = kept
    this.#log = log
  }

  /** Throws PolicyError with every mistake of every policy file. */
  static async load(config: Config, tools: Definitions, log: Logger): Promise<PolicyPoint> {
    const sources = policySources(config)
    const vocabulary = { ...policyWords(config), tools }
    const kept = await preparedCedar(config.state, sources, vocabulary)
    const engine = await loadPolicies(sources, vocabulary, kept.cedar)
    kept.keep()
    return new PolicyPoint(engine, kept, log)
  }

  readonly engine = (): PolicyEngine => this.#engine

  /** Follows the tools of the upstreams from now on; `changed` is told the definitions of all. */
  follow(upstreams: Iterable<Upstream>, changed: (definitions: Definitions) => void): void {
    for (const upstream of upstreams) {
      upstream.catalogue.onChange(() => this.#redefine(upstream, changed))
      if (upstream.catalogue.revision > 0) this.#redefine(upstream, changed)
    }
  }

  #redefine(upstream: Upstream, changed: (definitions: Definitions) => void): void {
    const all = new Map(this.#engine.vocabulary.tools).set(upstream.name, upstream.catalogue.everything())
    this.#engine = this.#engine.withDefinitions(all)
    this.#kept.keep()
    for (const problem of this.#engine.problems) this.#log.warn('a policy does not fit the tools', { ...problem })
    for (const problem of upstream.catalogue.problems)
      this.#log.warn('a tool was left out', { upstream: upstream.name, problem })
    changed(all)
  }
}

/** What was answered before is enough for most starts; otherwise a process apart answers first, if it can. */
async function preparedCedar(
  state: string,
  sources: readonly PolicySource[],
  vocabulary: Vocabulary,
): Promise<KeptCedar> {
  const kept = keptCedar(state)
  if (await isAnswered(sources, vocabulary, kept.known)) return kept
  const answers = await askCedarApart(sources, vocabulary)
  return answers === undefined ? kept : keptCedar(state, answers)
}
