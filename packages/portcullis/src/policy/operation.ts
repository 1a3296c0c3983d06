/** What Cedar's operators do with values that are known, and which types each of them wants. */
import { Datetime, Duration } from './instant.ts'
import type { Long } from './long.ts'
import {
  Entity,
  EvaluationError,
  equal,
  isVague,
  type Outcome,
  RecordValue,
  SetValue,
  typeName,
  UNKNOWN,
  type Unknown,
  type Value,
} from './value.ts'

export const not = (value: boolean | Unknown): boolean | Unknown => (value === UNKNOWN ? UNKNOWN : !value)

export function vagueOr(left: Value, right: Value, apply: () => boolean): boolean | Unknown {
  if (isVague(left) || isVague(right)) return UNKNOWN
  return apply()
}

export function equality(left: Value, right: Value): boolean | Unknown {
  if (left === right) return true
  if (left instanceof Entity && right instanceof Entity && left.type !== right.type) return false
  return vagueOr(left, right, () => equal(left, right))
}

export function membership(left: Value, right: Value): boolean | Unknown {
  const member = entity(left)
  if (right instanceof Entity) return member.in(right)
  const groups = set(right).elements.map(entity)
  const found = groups.map((group) => member.in(group))
  return found.includes(true) ? true : found.includes(UNKNOWN) ? UNKNOWN : false
}

export function attribute(value: Value, name: string): Outcome {
  const fields = value instanceof RecordValue ? value : entity(value).attributes
  return missing(fields?.get(name), `attribute ${name}`)
}

export function hasPath(value: Value, path: readonly string[]): boolean | Unknown {
  let at: Value = value
  for (const [index, name] of path.entries()) {
    const fields: RecordValue | undefined = at instanceof RecordValue ? at : entity(at).attributes
    const present = fields?.has(name) ?? false
    if (present !== true || index === path.length - 1) return present
    const next = attribute(at, name)
    if (next === UNKNOWN) return UNKNOWN
    at = next
  }
  return true
}

export function noTag(left: Value, right: Value): false {
  entity(left)
  string(right)
  return false
}

export function missing<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new EvaluationError(`${what} is missing`)
  return value
}

export function order(left: Value, right: Value): number {
  if (left instanceof Datetime && right instanceof Datetime)
    return Number(left.key > right.key) - Number(left.key < right.key)
  if (left instanceof Duration && right instanceof Duration)
    return Number(left.key > right.key) - Number(left.key < right.key)
  const [first, second] = [long(left), long(right)]
  return Number(first > second) - Number(first < second)
}

const expected = (type: string, value: Value) => new EvaluationError(`expected ${type}, found ${typeName(value)}`)

export function boolean(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw expected('Bool', value)
}

export function long(value: Value): Long {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw expected('Long', value)
}

export function string(value: Value): string {
  if (typeof value === 'string') return value
  throw expected('String', value)
}

export function set(value: Value): SetValue {
  if (value instanceof SetValue) return value
  throw expected('Set', value)
}

export function entity(value: Value): Entity {
  if (value instanceof Entity) return value
  throw expected('an entity', value)
}
