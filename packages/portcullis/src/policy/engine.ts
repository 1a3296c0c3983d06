/** A set of policies in force, with the definitions that it was checked against. Immutable: a change makes another one. */
import type { Decision } from '../core/decision.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Cedar } from './cedar.ts'
import type { Slot } from './memory.ts'
import type { Outlook } from './outlook.ts'
import type { Policy } from './policy.ts'
import type { PolicyProblem } from './problem.ts'
import type { PolicyRequest } from './question.ts'
import { READS } from './reads.ts'
import { TenantPolicies } from './tenant.ts'
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

export class PolicyEngine {
  /** SHA-256, hex, over the policies and the names that they may use. */
  readonly revision: string
  /** Changes with the policies and with the definitions: what a list was trimmed by. */
  readonly generation: string
  /** All of them, those of each tenant included. */
  readonly policies: readonly Policy[]
  readonly vocabulary: Vocabulary
  readonly cedar: Cedar
  /** What does not fit to the tools as they are defined now. Empty after a load; each entry denies. */
  readonly problems: readonly PolicyProblem[]
  readonly broken: Validation['broken']
  /** False when some policy asks for the time, the address or another circumstance, so that an answer may change by itself. */
  readonly steady: boolean
  readonly #loaded: LoadedPolicies
  readonly #tenants: TenantPolicies

  constructor(loaded: LoadedPolicies, validation: Validation) {
    const { policies, vocabulary, cedar, revision } = loaded
    this.#loaded = loaded
    this.policies = policies
    this.vocabulary = vocabulary
    this.cedar = cedar
    this.revision = revision
    this.generation = `${revision}.${++generations}`
    this.problems = validation.problems
    this.broken = validation.broken
    this.steady = policies.every(({ reads }) => (reads & READS.circumstances) === 0)
    this.#tenants = new TenantPolicies({ policies, vocabulary, broken: validation.broken, revision })
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

  /** Synchronous and cheap. Whatever no policy permits is denied, and whatever the principal's tenant does not have. */
  decide(request: PolicyRequest): Decision {
    return this.#tenants.decide(request)
  }

  /** As `decide`, but tells apart what only the arguments can settle. */
  outlook(request: PolicyRequest): Outlook {
    return this.#tenants.outlook(request)
  }

  /** Whether a tenant has an upstream; whatever has none is unknown to it. */
  has(tenant: string, upstream: string): boolean {
    return this.#tenants.upstreamsOf(tenant).has(upstream)
  }

  /** The upstreams of a tenant, in the order in which they were configured. */
  upstreamsOf(tenant: string): ReadonlySet<string> {
    return this.#tenants.upstreamsOf(tenant)
  }

  /** The policies that decide about the calls of a tenant: those of all, and its own. */
  policiesOf(tenant: string): readonly Policy[] {
    return this.policies.filter(({ source }) => source.tenant === undefined || source.tenant === tenant)
  }

  /** The tool as the policies know it. */
  tool(upstream: string, name: string): ToolDefinition | undefined {
    return this.#tenants.common.slots.tool(upstream, name)
  }

  /** What the policies see of an aim; undefined for a tool that does not exist in this tenant. */
  slot(aim: Aim, tenant: string): Slot | undefined {
    return this.has(tenant, aim.upstream) ? this.#tenants.pointOf(tenant).slots.find(aim) : undefined
  }
}
