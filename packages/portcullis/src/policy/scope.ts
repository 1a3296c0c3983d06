/** The head of a policy: which principals, actions and resources it is about, and under which key an index finds it. */
import type { ActionConstraint, EntityUidJson, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { type Action, isUse, USES } from './vocabulary.ts'
import { Entity, UNKNOWN, type Unknown } from './value.ts'

type Constraint = PolicyJson['principal'] | PolicyJson['resource']

export interface Scope {
  readonly actions: ReadonlySet<Action>
  readonly principal: Side
  readonly resource: Side
}

export interface Side {
  /** One of `keysOf(entity)` of every entity that this side matches. */
  readonly key: string
  /** UNKNOWN only for a vague entity. */
  matches(entity: Entity): boolean | Unknown
  /** Whether the key alone tells that it matches, of an entity that is not vague. */
  readonly exact: boolean
}

const ANY = '*'
const keyOf = ({ type, id }: { readonly type: string; readonly id: string }) => `${type}::${id}`

/** The keys under which policies about an entity are found: itself, what it is in, and everything. */
export const keysOf = (entity: Entity): readonly string[] => [
  ...(entity.vague ? [] : [keyOf(entity)]),
  ...entity.ancestors.map(keyOf),
  ANY,
]

export function scopeOf(policy: PolicyJson): Scope {
  return { actions: actionsOf(policy.action), principal: sideOf(policy.principal), resource: sideOf(policy.resource) }
}

function sideOf(constraint: Constraint): Side {
  if (constraint.op === 'All') return { key: ANY, matches: () => true, exact: true }
  if (constraint.op === 'is') {
    const group = constraint.in === undefined ? undefined : literal(constraint.in)
    const type = constraint.entity_type
    return {
      key: group === undefined ? ANY : keyOf(group),
      matches: (entity) => (entity.type !== type ? false : group === undefined || entity.in(group)),
      exact: false,
    }
  }
  const named = literal(constraint)
  if (constraint.op === 'in') return { key: keyOf(named), matches: (entity) => entity.in(named), exact: true }
  return {
    key: keyOf(named),
    matches: (entity) => (entity.vague ? (entity.type === named.type ? UNKNOWN : false) : entity.is(named)),
    // A group of the same name has this key too.
    exact: false,
  }
}

function literal(constraint: { entity: EntityUidJson } | { slot: string }): Entity {
  if ('slot' in constraint) throw new TypeError('templates are refused by the parser')
  const { type, id } = '__entity' in constraint.entity ? constraint.entity.__entity : constraint.entity
  return new Entity(type, id)
}

const ALL: readonly Action[] = [...(Object.keys(USES) as Action[]), 'connect']

function actionsOf(constraint: ActionConstraint): ReadonlySet<Action> {
  if (constraint.op === 'All') return new Set(ALL)
  const entities =
    'entities' in constraint ? constraint.entities.map((entity) => literal({ entity })) : [literal(constraint)]
  const group = constraint.op === 'in' && entities.some(({ id }) => id === 'use')
  return new Set(ALL.filter((action) => (group && isUse(action)) || entities.some(({ id }) => id === action)))
}
