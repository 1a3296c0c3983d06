/** A set of policies in force, with the definitions that it was checked against. Immutable: a change makes another one. */
import type { Decision } from '../core/decision.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Cedar } from './cedar.ts'
import { DecisionPoint, type Outlook } from './decide.ts'
import { ScopeIndex } from './index-by-scope.ts'
import type { Slot } from './memory.ts'
import type { Policy } from './policy.ts'
import type { PolicyProblem } from './problem.ts'
import type { PolicyRequest } from './question.ts'
import type { Validation, Validator } from './validate.ts'
import type { Aim, Vocabulary } from './vocabulary.ts'

export interface LoadedPolicies {
  readonly policies: readonly Policy[]
  readonly vocabulary: Vocabulary
  readonly validator: Validator
  readonly cedar: Cedar
  /** SHA-256, hex, over the policies and the names that they may use. */
  readonly revision: string
}

let generations = 0

/** Enough for 1,000 kinds of principals that use 100 tools each. */
const MAX_REMEMBERED = 100_000

export class PolicyEngine {
  /** SHA-256, hex, over the policies and the names that they may use. */
  readonly revision: string
  /** Changes with the policies and with the definitions: what a list was trimmed by. */
  readonly generation: string
  readonly policies: readonly Policy[]
  readonly vocabulary: Vocabulary
  readonly cedar: Cedar
  /** What does not fit to the tools as they are defined now. Empty after a load; each entry denies. */
  readonly problems: readonly PolicyProblem[]
  readonly broken: Validation['broken']
  readonly #loaded: LoadedPolicies
  readonly #index: ScopeIndex
  readonly #point: DecisionPoint

  constructor(loaded: LoadedPolicies, validation: Validation) {
    const { policies, vocabulary, cedar, revision } = loaded
    this.#loaded = loaded
    this.#index = new ScopeIndex(policies)
    this.policies = policies
    this.vocabulary = vocabulary
    this.cedar = cedar
    this.revision = revision
    this.generation = `${revision}.${++generations}`
    this.problems = validation.problems
    this.broken = validation.broken
    const { tools } = vocabulary
    const { broken } = validation
    this.#point = new DecisionPoint({
      policies,
      index: this.#index,
      tools,
      broken,
      revision,
      maxRemembered: MAX_REMEMBERED,
    })
  }

  /**
   * The same policies over other tools. Never throws for what the tools are: a permit that can no longer be evaluated
   * for a tool does not apply to it, and a forbid refuses it. `problems` tells.
   */
  withDefinitions(tools: Vocabulary['tools']): PolicyEngine {
    const vocabulary = { ...this.vocabulary, tools }
    const validation = this.#loaded.validator.validate(this.policies, vocabulary)
    return new PolicyEngine({ ...this.#loaded, vocabulary }, validation)
  }

  /** Synchronous and cheap. Whatever no policy permits is denied. */
  decide(request: PolicyRequest): Decision {
    return this.#point.decide(request)
  }

  /** As `decide`, but tells apart what only the arguments can settle. */
  outlook(request: PolicyRequest): Outlook {
    return this.#point.outlook(request)
  }

  /** The tool as the policies know it. */
  tool(upstream: string, name: string): ToolDefinition | undefined {
    return this.#point.slots.tool(upstream, name)
  }

  /** What the policies see of an aim; undefined for a tool that does not exist. */
  slot(aim: Aim): Slot | undefined {
    return this.#point.slots.find(aim)
  }
}
