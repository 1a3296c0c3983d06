/** Which arguments of a tool policies can read, and as what: JSON Schema on one side, Cedar types on the other. */
import { isRecord } from '../mcp/message.ts'

export type Shape =
  | { readonly kind: 'String' | 'Long' | 'Bool' | 'decimal' }
  | { readonly kind: 'Set'; readonly element: Shape }
  | RecordShape

export interface RecordShape {
  readonly kind: 'Record'
  readonly fields: ReadonlyMap<string, Field>
  /** Declared, but of no type that Cedar has, with what they are instead. */
  readonly unusable: ReadonlyMap<string, string>
}

export interface Field {
  readonly shape: Shape
  /** False when it may be absent; `null` counts as absent. */
  readonly required: boolean
}

type Schema = Readonly<Record<string, unknown>>
const PRIMITIVES = { string: 'String', integer: 'Long', boolean: 'Bool', number: 'decimal' } as const
const MAX_DEPTH = 8

/** The arguments of a tool. An input schema that declares no properties gives an empty record. */
export function shapeOf(inputSchema: Schema): RecordShape {
  const shape = recordShape(inputSchema, inputSchema, 0)
  return shape ?? { kind: 'Record', fields: new Map(), unusable: new Map() }
}

function recordShape(schema: Schema, root: Schema, depth: number): RecordShape | undefined {
  if (depth > MAX_DEPTH) return undefined
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const fields = new Map<string, Field>()
  const unusable = new Map<string, string>()
  for (const [name, property] of Object.entries(properties)) {
    const read = readable(property, root, depth + 1)
    if (typeof read === 'string') unusable.set(name, read)
    else fields.set(name, { shape: read.shape, required: required.includes(name) && !read.nullable })
  }
  return { kind: 'Record', fields, unusable }
}

/** The shape of one property, or what it is when Cedar has no type for it. */
function readable(schema: unknown, root: Schema, depth: number): { shape: Shape; nullable: boolean } | string {
  const target = resolve(schema, root)
  if (target === undefined) return 'a schema that policies cannot read'
  const { rest, nullable } = withoutNull(target)
  const plain = resolve(rest, root)
  if (plain === undefined || depth > MAX_DEPTH) return 'a schema that policies cannot read'
  const shape = plainShape(plain, root, depth)
  return typeof shape === 'string' ? shape : { shape, nullable }
}

function plainShape(schema: Schema, root: Schema, depth: number): Shape | string {
  if (['anyOf', 'oneOf', 'allOf', 'not', 'if'].some((keyword) => keyword in schema)) return 'one of several types'
  const type = schema['type'] ?? typeOfValues(schema)
  if (Array.isArray(type)) return `one of several types (${type.join(', ')})`
  if (typeof type !== 'string') return 'of any type'
  if (Object.hasOwn(PRIMITIVES, type)) return { kind: PRIMITIVES[type as keyof typeof PRIMITIVES] }
  if (type === 'object') return recordShape(schema, root, depth) ?? 'nested too deeply'
  if (type !== 'array') return `of type ${type}`
  const element = readable(schema['items'], root, depth + 1)
  if (typeof element === 'string') return `an array whose items are ${element}`
  return element.nullable ? 'an array whose items may be null' : { kind: 'Set', element: element.shape }
}

/** `enum` and `const` say the type without naming it. */
function typeOfValues(schema: Schema): string | undefined {
  const values = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : []
  if (values.length > 0 && values.every((value) => typeof value === 'string')) return 'string'
  return values.length > 0 && values.every((value) => typeof value === 'boolean') ? 'boolean' : undefined
}

/** `type: [T, null]` and `anyOf: [T, {type: null}]` are how many servers write an optional argument. */
function withoutNull(schema: Schema): { rest: unknown; nullable: boolean } {
  const { type } = schema
  if (Array.isArray(type) && type.length === 2 && type.includes('null')) {
    return { rest: { ...schema, type: type.find((name) => name !== 'null') }, nullable: true }
  }
  for (const keyword of ['anyOf', 'oneOf']) {
    const choices = schema[keyword]
    if (!Array.isArray(choices) || choices.length !== 2) continue
    const rest = choices.find((choice) => !isRecord(choice) || choice['type'] !== 'null')
    if (rest !== undefined && choices.some((choice) => isRecord(choice) && choice['type'] === 'null')) {
      return { rest, nullable: true }
    }
  }
  return { rest: schema, nullable: false }
}

/** Follows `#/…` references inside the schema; anything else is not readable. */
function resolve(schema: unknown, root: Schema): Schema | undefined {
  let at = schema
  for (let step = 0; step < MAX_DEPTH; step++) {
    if (!isRecord(at)) return undefined
    const reference = at['$ref']
    if (reference === undefined) return at
    if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined
    at = follow(root, reference)
  }
  return undefined
}

function follow(root: Schema, reference: string): unknown {
  let at: unknown = root
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    at = isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined
  }
  return at
}
