/** The one decision point: may this principal do this, and which policy says so. */
import type { Decision } from '../core/decision.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Question } from './compile.ts'
import { impliedConnection } from './connection.ts'
import type { ScopeIndex } from './index-by-scope.ts'
import { Memory, type PrincipalClass, type Residual, type Slot } from './memory.ts'
import type { Outlook } from './outlook.ts'
import { applies, type Policy } from './policy.ts'
import { type PolicyRequest, questionOf } from './question.ts'
import { READS } from './reads.ts'
import { Slots } from './slots.ts'
import { UNKNOWN, type Unknown } from './value.ts'
import type { Aim } from './vocabulary.ts'

export interface DecisionParts {
  readonly policies: readonly Policy[]
  /** Policies that hold for others too; they come before `policies`. */
  readonly common?: readonly Policy[]
  readonly index: ScopeIndex
  readonly tools: ReadonlyMap<string, readonly ToolDefinition[]>
  readonly broken: ReadonlyMap<string, ReadonlySet<Policy>>
  readonly revision: string
  /** How many remembered facts are kept before all are forgotten. */
  readonly maxRemembered: number
}

/** Decides synchronously, and remembers per policy revision what no argument, time or address can change. */
export class DecisionPoint {
  readonly slots: Slots
  readonly #parts: DecisionParts
  readonly #memory: Memory
  readonly #decisions = new Map<Policy, Decision>()
  readonly #nothing: Decision

  constructor(parts: DecisionParts) {
    const { policies, common = [], index, tools, broken, revision, maxRemembered } = parts
    this.#parts = parts
    this.slots = new Slots(index, tools, broken)
    const reads = [common, policies].flat().reduce((bits, policy) => bits | policy.reads, 0)
    this.#memory = new Memory({ reads, users: index.users }, maxRemembered)
    this.#nothing = Object.freeze({ effect: 'deny', policies: Object.freeze([]), revision })
  }

  /** Denies what no policy permits, what one forbids, and what lies outside of the credential's upstreams. */
  decide(request: PolicyRequest): Decision {
    const { effect, decision } = this.outlook(request)
    return effect === 'depends' ? this.#nothing : decision
  }

  /** Every use of an upstream is also a connection to it, so what forbids to connect forbids the use. */
  outlook(request: PolicyRequest): Outlook {
    const { principal, aim } = request
    if (principal.upstreams !== undefined && !principal.upstreams.includes(aim.upstream)) return this.#deny()
    const principals = this.#memory.classOf(principal)
    if (aim.action === 'connect') return this.#connection(principals, request)
    const bar = this.#bar(principals, request)
    if (typeof bar === 'object') return this.#by(bar, 'deny')
    const outlook = this.#answer(aim, principals, request)
    return bar === UNKNOWN && outlook.effect === 'allow' ? { ...outlook, effect: 'depends' } : outlook
  }

  /** What forbids to connect; UNKNOWN when the circumstances would have to be known. */
  #bar(principals: PrincipalClass, request: PolicyRequest): Policy | Unknown | undefined {
    const slot = this.slots.door(request.aim.upstream)
    const { forbidden, forbids } = this.#memory.residual(principals, slot)
    if (forbidden !== undefined || forbids.length === 0) return forbidden
    return barring(forbids, questionOf(slot, principals.entity, request), applies)
  }

  #connection(principals: PrincipalClass, request: PolicyRequest): Outlook {
    const { upstream } = request.aim
    const door = this.#answer(request.aim, principals, request)
    if (door.effect === 'allow' || door.decision !== this.#nothing) return door
    if (!principals.doors.has(upstream)) {
      const { common = [], policies } = this.#parts
      const implied = (among: readonly Policy[]) => impliedConnection(among, principals.entity, upstream)
      const permit = implied(common) ?? implied(policies)
      principals.doors.set(upstream, permit && this.#decisionOf(permit))
    }
    const implied = principals.doors.get(upstream)
    return implied === undefined ? this.#deny() : { effect: 'allow', decision: implied }
  }

  #answer(aim: Aim, principals: PrincipalClass, request: PolicyRequest): Outlook {
    const slot = this.slots.find(aim)
    if (slot === undefined) return this.#deny()
    const residual = this.#memory.residual(principals, slot)
    if (residual.forbidden !== undefined) return this.#by(residual.forbidden, 'deny')
    if (residual.forbids.length === 0) {
      if (residual.permitted !== undefined) return this.#by(residual.permitted, 'allow')
      if (residual.permits.length === 0) return this.#deny()
    }
    if (request.args === 'unknown' && residual.prospect !== undefined) return residual.prospect
    const question = questionOf(slot, principals.entity, { ...request, aim })
    if (request.args !== 'unknown') return this.#evaluate(residual, question, applies)
    const outlook = this.#evaluate(residual, question, prospectIn(slot))
    if (residual.steady) residual.prospect = outlook
    return outlook
  }

  #evaluate({ forbids, permitted, permits }: Residual, question: Question, applying: Applies): Outlook {
    const bar = barring(forbids, question, applying)
    if (typeof bar === 'object') return this.#by(bar, 'deny')
    const effect = bar === UNKNOWN ? 'depends' : 'allow'
    if (permitted !== undefined) return this.#by(permitted, effect)
    let possible: Policy | undefined
    for (const permit of permits) {
      const answer = applying(permit, question)
      if (answer === true) return this.#by(permit, effect)
      if (answer === UNKNOWN) possible ??= permit
    }
    return possible === undefined ? this.#deny() : this.#by(possible, 'depends')
  }

  #deny(): Outlook {
    return { effect: 'deny', decision: this.#nothing }
  }

  #by(policy: Policy, effect: Outlook['effect']): Outlook {
    return { effect, decision: this.#decisionOf(policy) }
  }

  #decisionOf(policy: Policy): Decision {
    const known = this.#decisions.get(policy)
    if (known !== undefined) return known
    const { effect, id } = policy
    const policies = Object.freeze([id])
    const { revision } = this.#parts
    const made = Object.freeze({ effect: effect === 'permit' ? 'allow' : 'deny', policies, revision } as const)
    this.#decisions.set(policy, made)
    return made
  }
}

type Applies = typeof applies

/** As `applies`, where all that such a condition reads is the same for everybody who asks about this slot. */
function prospectIn({ prospects, shared }: Slot): Applies {
  return (policy, question) => {
    if (policy.reads !== READS.args || shared) return applies(policy, question)
    const known = prospects.get(policy)
    if (known !== undefined) return known
    const made = applies(policy, question)
    prospects.set(policy, made)
    return made
  }
}

/** The first forbid that applies; UNKNOWN when one may. */
function barring(forbids: readonly Policy[], question: Question, applying: Applies): Policy | Unknown | undefined {
  let unknown = false
  for (const forbid of forbids) {
    const answer = applying(forbid, question)
    if (answer === true) return forbid
    unknown ||= answer === UNKNOWN
  }
  return unknown ? UNKNOWN : undefined
}
