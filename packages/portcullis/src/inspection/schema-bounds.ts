import { isRecord, type Params } from '../mcp/message.ts'
import { eachInner, holdsSchemas, REFERENCES } from './schema-walk.ts'

/** The JSON Schema dialects that are understood. */
export type Dialect = '2020-12' | '2019-09' | 'draft-07'

/** Says why a schema cannot be used; its tool is unavailable. The message is for operators and quotes the upstream. */
export class UnusableSchema extends Error {}

export interface SchemaBounds {
  /** Objects and arrays inside each other. */
  readonly maxDepth: number
  /** Members and elements of the whole schema, which bounds its size. */
  readonly maxNodes: number
  /** Schemas inside the schema, which bounds the code that it compiles to: about half a millisecond each. */
  readonly maxSchemas: number
}

export const SCHEMA_BOUNDS: SchemaBounds = { maxDepth: 64, maxNodes: 20_000, maxSchemas: 1_000 }

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
  'https://json-schema.org/draft/2019-09/schema': '2019-09',
  'http://json-schema.org/draft-07/schema': 'draft-07',
  'https://json-schema.org/draft-07/schema': 'draft-07',
}

/** 2020-12 unless `$schema` says otherwise (MCP 2026-07-28, "JSON Schema Usage"). Throws UnusableSchema when unknown. */
export function dialectOf(schema: Params): Dialect {
  const uri = schema['$schema']
  if (uri === undefined) return '2020-12'
  const dialect = typeof uri === 'string' ? dialectByUri(uri) : undefined
  if (dialect === undefined) throw new UnusableSchema(`unknown dialect ${JSON.stringify(uri)}`)
  return dialect
}

const dialectByUri = (uri: string): Dialect | undefined => {
  const plain = uri.endsWith('#') ? uri.slice(0, -1) : uri
  return Object.hasOwn(DIALECTS, plain) ? DIALECTS[plain] : undefined
}

/**
 * Decides whether a schema is small, self-contained and of one dialect. Throws UnusableSchema.
 *
 * A reference must lead to a place where a schema may stand: what stands elsewhere is neither closed nor checked.
 */
export function checkBounds(schema: Params, bounds: SchemaBounds): Dialect {
  countNodes(schema, 1, { left: bounds.maxNodes }, bounds)
  const dialect = dialectOf(schema)
  const places = new Set<unknown>()
  const references: string[] = []
  const keywords = new Set<string>()
  survey(schema, { dialect, places, references, keywords }, false)
  // Which items `contains` has met is more than the engine remembers, and it would call all of them evaluated.
  if (keywords.has('unevaluatedItems') && keywords.has('contains'))
    throw new UnusableSchema('"unevaluatedItems" beside "contains" is not supported')
  if (places.size > bounds.maxSchemas) throw new UnusableSchema(`more than ${bounds.maxSchemas} schemas`)
  for (const reference of references) {
    if (reference === '#' || (reference.startsWith('#') && !reference.startsWith('#/'))) continue
    if (!reference.startsWith('#')) throw new UnusableSchema(`"${reference}" leads out of the schema`)
    if (!places.has(resolve(schema, reference)) && !leadsToBoolean(schema, reference, places))
      throw new UnusableSchema(`"${reference}" does not lead to a schema`)
  }
  return dialect
}

function countNodes(value: unknown, depth: number, room: { left: number }, bounds: SchemaBounds): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > bounds.maxDepth) throw new UnusableSchema(`nested more than ${bounds.maxDepth} deep`)
  for (const inner of Object.values(value)) {
    if (--room.left < 0) throw new UnusableSchema(`more than ${bounds.maxNodes} members`)
    countNodes(inner, depth + 1, room, bounds)
  }
}

interface Found {
  readonly dialect: Dialect
  readonly places: Set<unknown>
  readonly references: string[]
  readonly keywords: Set<string>
}

/** `embedded`: inside of a schema with an identifier of its own, where `#` would mean that schema. */
function survey(schema: Params, found: Found, embedded: boolean): void {
  const { dialect, places, references, keywords } = found
  const inside = embedded || (places.size > 0 && isIdentified(schema))
  places.add(schema)
  const own = schema['$schema']
  if (own !== undefined && (typeof own !== 'string' || dialectByUri(own) !== dialect)) {
    throw new UnusableSchema('two dialects in one schema')
  }
  // Ajv would run the schema of an asynchronous validator and call its promise a success.
  if ('$async' in schema) throw new UnusableSchema('"$async" is not JSON Schema')
  for (const keyword of Object.keys(schema)) {
    keywords.add(keyword)
    // The engine passes over a property of this name, so whatever it says would not be checked.
    if (isRecord(schema[keyword]) && OF_PROPERTIES.has(keyword) && Object.hasOwn(schema[keyword], '__proto__'))
      throw new UnusableSchema(`"__proto__" in "${keyword}"`)
  }
  for (const keyword of REFERENCES) {
    const reference = schema[keyword]
    if (typeof reference !== 'string') continue
    if (inside && reference.startsWith('#')) throw new UnusableSchema(`"${reference}" below an inner "$id"`)
    references.push(reference)
  }
  eachInner(schema, (inner) => survey(inner.schema, found, inside))
}

/** `#name` is what draft-07 has in place of `$anchor`: it changes nothing for the references inside. */
const isIdentified = ({ $id }: Params): boolean => typeof $id === 'string' && !$id.startsWith('#')

const OF_PROPERTIES = new Set(['properties', 'dependentSchemas', 'dependentRequired', 'dependencies'])

/** Whether a reference leads to `true` or `false` where a schema may stand: that is one, but not an object to remember. */
function leadsToBoolean(root: Params, reference: string, places: ReadonlySet<unknown>): boolean {
  if (typeof resolve(root, reference) !== 'boolean') return false
  const tokens = reference.split('/')
  const owner = (levels: number) => {
    const path = tokens.slice(0, -levels).join('/')
    return places.has(resolve(root, path)) ? holdsSchemas(unescapePointer(tokens.at(-levels) ?? '') ?? '') : undefined
  }
  const [direct, listed] = [owner(1), owner(2)]
  return direct === 'schema' || direct === 'schema or list' || (listed !== undefined && listed !== 'schema')
}

/** What a local JSON pointer reference (`#/…`, RFC 6901 in a URI fragment) leads to, or undefined. */
export function resolve(root: Params, reference: string): unknown {
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return undefined
  let value: unknown = root
  for (const token of reference.slice(2).split('/')) {
    const key = unescapePointer(token)
    if (key === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return isRecord(value) || typeof value === 'boolean' ? value : undefined
}

function unescapePointer(token: string): string | undefined {
  try {
    return decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return undefined
  }
}
