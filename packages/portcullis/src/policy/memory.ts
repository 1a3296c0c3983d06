/** Remembers what the policies say about a kind of principal and a resource, as far as it does not change with the call. */
import type { Decision } from '../core/decision.ts'
import type { Credential, Principal } from '../core/principal.ts'
import type { Question } from './compile.ts'
import { principalEntity } from './entities.ts'
import { forPrincipal } from './index-by-scope.ts'
import type { Outlook } from './outlook.ts'
import { applies, type Policy } from './policy.ts'
import { READS } from './reads.ts'
import { keysOf } from './scope.ts'
import type { RecordShape } from './shape.ts'
import type { Entity, Unknown } from './value.ts'

/** One action on one resource, or on all resources of an upstream that no policy names. */
export interface Slot {
  readonly action: Entity
  readonly resource: Entity
  /** True when `resource` stands for many, so that conditions on the resource have to be asked anew. */
  readonly shared: boolean
  readonly shape: RecordShape | undefined
  readonly candidates: ReadonlyMap<string, readonly Policy[]>
  /** Policies that cannot be evaluated for this tool as it is defined now. */
  readonly broken: ReadonlySet<Policy>
  /** A context for conditions that do not look into it. */
  readonly context: Question['context']
  /** What conditions say that read nothing but arguments, when those are unknown: the same to everybody. */
  readonly prospects: Map<Policy, boolean | Unknown>
}

/** What is left to ask: the policies whose scope matches and whose conditions read what changes. */
export interface Residual {
  /** A forbid that applies whatever the call is. */
  readonly forbidden: Policy | undefined
  /** A permit that applies whatever the call is. */
  readonly permitted: Policy | undefined
  readonly forbids: readonly Policy[]
  readonly permits: readonly Policy[]
  /** False when what is left to ask reads more than the arguments: the circumstances, or which resource it is. */
  readonly steady: boolean
  /** What becomes of it with some arguments, where that is the same at any time. Lists ask for nothing else. */
  prospect: Outlook | undefined
}

/** All principals that no policy tells apart. */
export interface PrincipalClass {
  readonly entity: Entity
  /** `keysOf` the entity. */
  readonly keys: readonly string[]
  readonly residuals: Map<Slot, Residual>
  /** By upstream: what permits to connect although no policy says so. */
  readonly doors: Map<string, Decision | undefined>
}

/** Facts of principals that some policy reads. */
export interface Distinctions {
  /** Bits of READS. */
  readonly reads: number
  readonly users: ReadonlySet<string>
}

/** Bounded: when it is full it forgets everything, which costs only time. */
export class Memory {
  readonly #maxEntries: number
  readonly #distinctions: Distinctions
  #classes = new Map<string, PrincipalClass>()
  #byPrincipal = new WeakMap<Principal, PrincipalClass>()
  #entries = 0

  constructor(distinctions: Distinctions, maxEntries: number) {
    this.#distinctions = distinctions
    this.#maxEntries = maxEntries
  }

  classOf(principal: Principal): PrincipalClass {
    const known = this.#byPrincipal.get(principal)
    if (known !== undefined) return known
    const key = this.#key(principal)
    const found = this.#classes.get(key) ?? this.#add(key, principal)
    this.#byPrincipal.set(principal, found)
    return found
  }

  residual(principals: PrincipalClass, slot: Slot): Residual {
    const known = principals.residuals.get(slot)
    if (known !== undefined) return known
    const residual = reduce(slot, principals)
    this.#count()
    principals.residuals.set(slot, residual)
    return residual
  }

  #add(key: string, principal: Principal): PrincipalClass {
    this.#count()
    const entity = principalEntity(principal)
    const added = { entity, keys: keysOf(entity), residuals: new Map(), doors: new Map() }
    this.#classes.set(key, added)
    return added
  }

  #count(): void {
    this.#entries++
    if (this.#entries <= this.#maxEntries) return
    this.#entries = 1
    this.#classes = new Map()
    this.#byPrincipal = new WeakMap()
  }

  #key({ id, tenant, roles, credential, scopes }: Principal): string {
    const { reads, users } = this.#distinctions
    return JSON.stringify([
      roles.toSorted(),
      (reads & READS.id) !== 0 || users.has(id) ? id : '',
      (reads & READS.tenant) === 0 ? '' : tenant,
      (reads & READS.credential) === 0 ? '' : credential.kind,
      (reads & READS.scopes) === 0 || scopes === undefined ? null : scopes.toSorted(),
      ...((reads & READS.strength) === 0 ? [] : strengthOf(credential)),
    ])
  }
}

/** What of a credential policies see as its strength. */
const strengthOf = ({ bound, acr, amr }: Credential): readonly unknown[] => [
  bound !== undefined,
  acr ?? null,
  amr?.toSorted() ?? null,
]

/** Evaluates once what cannot change from call to call, and keeps the rest. */
function reduce(slot: Slot, { entity, keys }: PrincipalClass): Residual {
  const changing = READS.args | READS.circumstances | (slot.shared ? READS.resource : 0)
  const question: Question = { principal: entity, action: slot.action, resource: slot.resource, context: slot.context }
  const settled: { forbid?: Policy; permit?: Policy } = {}
  const open = { forbid: [] as Policy[], permit: [] as Policy[] }
  let reads = 0
  for (const policy of forPrincipal(slot.candidates, entity, keys)) {
    if (slot.broken.has(policy)) {
      if (policy.effect === 'forbid') settled.forbid ??= policy
    } else if ((policy.reads & changing) !== 0) {
      open[policy.effect].push(policy)
      reads |= policy.reads
    } else if (applies(policy, question) === true) settled[policy.effect] ??= policy
  }
  return {
    forbidden: settled.forbid,
    permitted: settled.permit,
    forbids: open.forbid,
    permits: open.permit,
    steady: (reads & changing & ~READS.args) === 0,
    prospect: undefined,
  }
}
