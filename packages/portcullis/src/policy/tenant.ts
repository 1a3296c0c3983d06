/** Decides by tenant: only what a tenant has exists for it, and only the policies of all and its own speak about its calls. */
import type { Decision } from '../core/decision.ts'
import { DecisionPoint } from './decide.ts'
import { ScopeIndex } from './index-by-scope.ts'
import type { Outlook } from './outlook.ts'
import type { Policy } from './policy.ts'
import type { PolicyRequest } from './question.ts'
import type { Validation } from './validate.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface TenantParts {
  readonly policies: readonly Policy[]
  readonly vocabulary: Vocabulary
  readonly broken: Validation['broken']
  readonly revision: string
}

/** Enough for 1,000 kinds of principals that use 100 tools each, */
const MAX_REMEMBERED = 100_000
/** and in a tenant with policies of its own for 100 of them. */
const MAX_REMEMBERED_EACH = 10_000

const NONE: ReadonlySet<string> = new Set()

/** A point for all tenants without policies of their own, and one for each other tenant, made at its first call. */
export class TenantPolicies {
  readonly common: DecisionPoint
  readonly #parts: TenantParts
  readonly #policies: readonly Policy[]
  readonly #index: ScopeIndex
  readonly #own: ReadonlyMap<string, readonly Policy[]>
  readonly #points = new Map<string, DecisionPoint>()
  readonly #everything: ReadonlySet<string>
  readonly #upstreams: ReadonlyMap<string, ReadonlySet<string>> | undefined
  readonly #unknown: Outlook

  constructor(parts: TenantParts) {
    const { policies, vocabulary, revision } = parts
    this.#parts = parts
    this.#policies = policies.filter(({ source }) => source.tenant === undefined)
    this.#own = Map.groupBy(
      policies.filter(({ source }) => source.tenant !== undefined),
      ({ source }) => source.tenant as string,
    )
    this.#index = new ScopeIndex(this.#policies)
    this.common = this.#point(this.#policies, this.#index, MAX_REMEMBERED)
    this.#everything = new Set(vocabulary.upstreams)
    this.#upstreams =
      vocabulary.tenants && new Map([...vocabulary.tenants].map(([name, { upstreams }]) => [name, new Set(upstreams)]))
    const decision = Object.freeze({ effect: 'deny', policies: Object.freeze([]), revision } as const)
    this.#unknown = { effect: 'deny', decision }
  }

  decide(request: PolicyRequest): Decision {
    const { tenant } = request.principal
    if (!this.upstreamsOf(tenant).has(request.aim.upstream)) return this.#unknown.decision
    return this.pointOf(tenant).decide(request)
  }

  outlook(request: PolicyRequest): Outlook {
    const { tenant } = request.principal
    if (!this.upstreamsOf(tenant).has(request.aim.upstream)) return this.#unknown
    return this.pointOf(tenant).outlook(request)
  }

  /** Empty for a tenant that is not configured, where tenants are. */
  upstreamsOf(tenant: string): ReadonlySet<string> {
    return this.#upstreams === undefined ? this.#everything : (this.#upstreams.get(tenant) ?? NONE)
  }

  /** Names of tenants come from credentials, so only those with policies of their own get a place. */
  pointOf(tenant: string): DecisionPoint {
    const known = this.#points.get(tenant)
    if (known !== undefined) return known
    const own = this.#own.get(tenant)
    if (own === undefined) return this.common
    const made = this.#point(own, new ScopeIndex(own, this.#index), MAX_REMEMBERED_EACH, this.#policies)
    this.#points.set(tenant, made)
    return made
  }

  #point(policies: readonly Policy[], index: ScopeIndex, maxRemembered: number, common: readonly Policy[] = []) {
    const { vocabulary, broken, revision } = this.#parts
    return new DecisionPoint({ policies, common, index, tools: vocabulary.tools, broken, revision, maxRemembered })
  }
}
