/** Finds the policies whose scope can match, without looking at the others. */
import type { Policy } from './policy.ts'
import { keysOf } from './scope.ts'
import type { Entity } from './value.ts'
import type { Action } from './vocabulary.ts'

export class ScopeIndex {
  readonly #byResource: ReadonlyMap<string, readonly Policy[]>
  readonly #below: ScopeIndex | undefined
  /** Ids of users that some scope names, so that only they are told apart from others with the same roles. */
  readonly users: ReadonlySet<string>

  /** `below` finds the policies that hold for others too, so that they are indexed only once. */
  constructor(policies: readonly Policy[], below?: ScopeIndex) {
    this.#byResource = Map.groupBy(policies, (policy) => policy.scope.resource.key)
    this.#below = below
    const keys = policies.map((policy) => policy.scope.principal.key)
    const users = keys.filter((key) => key.startsWith('User::')).map((key) => key.slice('User::'.length))
    this.users = new Set([...users, ...(below?.users ?? [])])
  }

  /** Whether any policy names exactly this entity. */
  names(type: string, id: string): boolean {
    return this.#byResource.has(`${type}::${id}`) || this.#below?.names(type, id) === true
  }

  /** Policies about an action on a resource, by the key of their principal. */
  candidates(action: Action, resource: Entity): ReadonlyMap<string, readonly Policy[]> {
    const found = keysOf(resource)
      .flatMap((key) => this.#at(key))
      .filter(({ scope }) => scope.actions.has(action) && scope.resource.matches(resource) !== false)
    return Map.groupBy(found, (policy) => policy.scope.principal.key)
  }

  #at(key: string): readonly Policy[] {
    const own = this.#byResource.get(key) ?? []
    return this.#below === undefined ? own : [...this.#below.#at(key), ...own]
  }
}

/**
 * Those of the candidates whose scope matches a principal, in the order in which they were written. `keys` are its
 * `keysOf`: a list asks about one principal for each of its items.
 */
export function forPrincipal(
  candidates: ReadonlyMap<string, readonly Policy[]>,
  principal: Entity,
  keys: readonly string[],
): readonly Policy[] {
  const found: Policy[] = []
  for (const key of keys) {
    for (const policy of candidates.get(key) ?? NONE) {
      if (policy.isFoundByKey || policy.scope.principal.matches(principal) === true) found.push(policy)
    }
  }
  return found.length < 2 ? found : found.sort((left, right) => left.order - right.order)
}

const NONE: readonly Policy[] = []
