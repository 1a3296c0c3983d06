import { isRecord, type Params } from '../mcp/message.ts'

/**
 * Knows where schemas stand inside a JSON Schema (2020-12, 2019-09, draft-07), so that `enum`, `const`, `default` and a
 * property that happens to be called "properties" are never mistaken for one.
 *
 * - `in-place`: applies to the same value as its parent, and so does what it declares.
 * - `child`: applies to a part of the value.
 * - `condition`: is asked, not asserted; to narrow it would widen what is accepted.
 * - `definition`: applies where it is referred to.
 */
export type Position = 'in-place' | 'child' | 'condition' | 'definition'

interface Place {
  readonly position: Position
  readonly holds: 'schema' | 'list' | 'map' | 'schema or list'
}

// biome-ignore format: one keyword a row
const PLACES: ReadonlyMap<string, Place> = new Map<string, Place>([
  ['allOf',                 { position: 'in-place',   holds: 'list' }],
  ['anyOf',                 { position: 'in-place',   holds: 'list' }],
  ['oneOf',                 { position: 'in-place',   holds: 'list' }],
  ['then',                  { position: 'in-place',   holds: 'schema' }],
  ['else',                  { position: 'in-place',   holds: 'schema' }],
  ['dependentSchemas',      { position: 'in-place',   holds: 'map' }],
  ['dependencies',          { position: 'in-place',   holds: 'map' }],
  ['properties',            { position: 'child',      holds: 'map' }],
  ['patternProperties',     { position: 'child',      holds: 'map' }],
  ['additionalProperties',  { position: 'child',      holds: 'schema' }],
  ['unevaluatedProperties', { position: 'child',      holds: 'schema' }],
  ['items',                 { position: 'child',      holds: 'schema or list' }],
  ['prefixItems',           { position: 'child',      holds: 'list' }],
  ['additionalItems',       { position: 'child',      holds: 'schema' }],
  ['unevaluatedItems',      { position: 'child',      holds: 'schema' }],
  ['if',                    { position: 'condition',  holds: 'schema' }],
  ['not',                   { position: 'condition',  holds: 'schema' }],
  ['contains',              { position: 'condition',  holds: 'schema' }],
  ['propertyNames',         { position: 'condition',  holds: 'schema' }],
  ['$defs',                 { position: 'definition', holds: 'map' }],
  ['definitions',           { position: 'definition', holds: 'map' }],
])

/** Whether the value of a keyword is a schema, a list of schemas or a map of them; undefined when it is none. */
export const holdsSchemas = (keyword: string): Place['holds'] | undefined => PLACES.get(keyword)?.holds

/** Keywords whose value is a reference to a schema. */
export const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'] as const

/** One schema inside another. `name` is its name in a map or its index in a list, or `undefined`. */
export interface Inner {
  readonly keyword: string
  readonly position: Position
  readonly name: string | undefined
  readonly schema: Params
}

/** Calls `visit` for each object schema directly inside `schema`; boolean schemas hold nothing and are passed over. */
export function eachInner(schema: Params, visit: (inner: Inner) => void): void {
  for (const keyword of Object.keys(schema)) {
    const place = PLACES.get(keyword)
    if (place === undefined) continue
    eachHeld(schema[keyword], place.holds, (held, name) => {
      visit({ keyword, position: place.position, name, schema: held })
    })
  }
}

/** A shallow copy of `schema` in which each object schema directly inside is replaced by what `change` returns. */
export function withInner(schema: Params, change: (inner: Inner) => Params): Params {
  const copy: Record<string, unknown> = { ...schema }
  for (const keyword of Object.keys(schema)) {
    const place = PLACES.get(keyword)
    if (place === undefined) continue
    const turn = (held: unknown, name: string | undefined): unknown =>
      isRecord(held) ? change({ keyword, position: place.position, name, schema: held }) : held
    copy[keyword] = replaced(schema[keyword], place.holds, turn)
  }
  return copy
}

function eachHeld(
  value: unknown,
  holds: Place['holds'],
  visit: (schema: Params, name: string | undefined) => void,
): void {
  if (holds === 'map') {
    if (isRecord(value)) for (const name of Object.keys(value)) if (isRecord(value[name])) visit(value[name], name)
    return
  }
  if (Array.isArray(value) && holds !== 'schema') {
    for (const [index, held] of value.entries()) if (isRecord(held)) visit(held, String(index))
  } else if (isRecord(value) && holds !== 'list') visit(value, undefined)
}

function replaced(
  value: unknown,
  holds: Place['holds'],
  turn: (held: unknown, name: string | undefined) => unknown,
): unknown {
  if (holds === 'map') {
    if (!isRecord(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, turn(held, name)]))
  }
  if (Array.isArray(value) && holds !== 'schema') return value.map((held, index) => turn(held, String(index)))
  return holds === 'list' ? value : turn(value, undefined)
}
