/** The values that a Cedar expression can have, and when two of them are equal. */
/** Stands for what is not known yet: the arguments of a tool that is only being listed. */
export const UNKNOWN: unique symbol = Symbol('unknown')
export type Unknown = typeof UNKNOWN

/** Long is a `number` while that is exact, and a `bigint` beyond; never both for the same integer. */
export type Value = boolean | string | number | bigint | Entity | SetValue | RecordValue | ExtensionValue

/** A value of an extension type; two of one kind are equal when their keys are. */
export interface ExtensionValue {
  readonly kind: 'decimal' | 'ipaddr' | 'datetime' | 'duration'
  readonly key: bigint | string
}

export type Outcome = Value | Unknown

/** A policy could not be evaluated: a missing attribute, an overflow, a wrong type (Cedar "Errors"). */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/** Fields that are looked up by name. Implementations compute them when asked. */
export abstract class RecordValue {
  /** Whether the field is there; UNKNOWN when only the arguments can tell. */
  abstract has(name: string): boolean | Unknown
  /** The field, or undefined when it is not there. */
  abstract get(name: string): Outcome | undefined
  abstract names(): readonly string[]
  /** Whether any field is unknown, so that the record as a whole can be compared with nothing. */
  abstract readonly vague: boolean
}

/** A record that is known as a whole. */
export class Fields extends RecordValue {
  readonly #fields: ReadonlyMap<string, Outcome>

  constructor(fields: ReadonlyMap<string, Outcome>) {
    super()
    this.#fields = fields
  }

  static of(fields: Readonly<Record<string, Outcome>>): Fields {
    return new Fields(new Map(Object.entries(fields)))
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  get(name: string): Outcome | undefined {
    return this.#fields.get(name)
  }

  names(): readonly string[] {
    return [...this.#fields.keys()]
  }

  get vague(): boolean {
    return [...this.#fields.values()].some(isVague)
  }
}

/** A set of values. Duplicates stay, because no operator of Cedar can count them. */
export class SetValue {
  readonly elements: readonly Value[]
  #primitives: ReadonlySet<Value> | undefined

  constructor(elements: readonly Value[]) {
    this.elements = elements
  }

  contains(value: Value): boolean {
    if (typeof value === 'object') return this.elements.some((element) => equal(element, value))
    this.#primitives ??= new Set(this.elements)
    return this.#primitives.has(value)
  }

  containsAll(other: SetValue): boolean {
    return other.elements.every((element) => this.contains(element))
  }

  containsAny(other: SetValue): boolean {
    return other.elements.some((element) => this.contains(element))
  }
}

/** A principal, an action or a resource. Without `attributes` it is only a name that a policy mentions. */
export class Entity {
  readonly type: string
  readonly id: string
  readonly attributes: RecordValue | undefined
  readonly ancestors: readonly Entity[]
  /** True for "any entity of this type below these ancestors": its id is not known. */
  readonly vague: boolean

  constructor(type: string, id: string, attributes?: RecordValue, ancestors: readonly Entity[] = [], vague = false) {
    this.type = type
    this.id = id
    this.attributes = attributes
    this.ancestors = ancestors
    this.vague = vague
  }

  is(other: Entity): boolean {
    return this.id === other.id && this.type === other.type
  }

  /** Reflexive, as in Cedar. UNKNOWN when this entity is vague and `other` may be it. */
  in(other: Entity): boolean | Unknown {
    if (this.ancestors.some((ancestor) => ancestor.is(other))) return true
    if (this.vague) return this.type === other.type ? UNKNOWN : false
    return this.is(other)
  }
}

/** Whether a value hides something unknown, so that comparing it can give no answer. */
export function isVague(value: Outcome): boolean {
  if (value instanceof Entity || value instanceof RecordValue) return value.vague
  return value === UNKNOWN || (value instanceof SetValue && value.elements.some(isVague))
}

/** Cedar `==`: values of different types are unequal, sets compare without order, records field by field. */
export function equal(left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object') return false
  if (left instanceof Entity) return right instanceof Entity && left.is(right)
  if (left instanceof SetValue) return right instanceof SetValue && left.containsAll(right) && right.containsAll(left)
  if (left instanceof RecordValue) return right instanceof RecordValue && equalRecords(left, right)
  if (right instanceof Entity || right instanceof SetValue || right instanceof RecordValue) return false
  return left.kind === right.kind && left.key === right.key
}

function equalRecords(left: RecordValue, right: RecordValue): boolean {
  const names = left.names()
  if (names.length !== right.names().length) return false
  return names.every((name) => {
    const mine: Outcome | undefined = left.get(name)
    const other: Outcome | undefined = right.get(name)
    if (mine === undefined || other === undefined || mine === UNKNOWN || other === UNKNOWN) return false
    return equal(mine, other)
  })
}

/** What a message calls the type of a value. */
export function typeName(value: Value): string {
  if (typeof value === 'string') return 'String'
  if (typeof value === 'boolean') return 'Bool'
  if (typeof value !== 'object') return 'Long'
  if (value instanceof Entity) return value.type
  if (value instanceof SetValue) return 'Set'
  return value instanceof RecordValue ? 'Record' : value.kind
}
