import { isRecord, type Params } from '../mcp/message.ts'
import { eachInner, REFERENCES } from './schema-walk.ts'

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
  survey(schema, dialect, places, references)
  if (places.size > bounds.maxSchemas) throw new UnusableSchema(`more than ${bounds.maxSchemas} schemas`)
  for (const reference of references) {
    if (reference === '#' || (reference.startsWith('#') && !reference.startsWith('#/'))) continue
    if (!reference.startsWith('#')) throw new UnusableSchema(`"${reference}" leads out of the schema`)
    if (!places.has(resolve(schema, reference))) throw new UnusableSchema(`"${reference}" does not lead to a schema`)
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

function survey(schema: Params, dialect: Dialect, places: Set<unknown>, references: string[]): void {
  places.add(schema)
  const own = schema['$schema']
  if (own !== undefined && (typeof own !== 'string' || dialectByUri(own) !== dialect)) {
    throw new UnusableSchema('two dialects in one schema')
  }
  // Ajv would run the schema of an asynchronous validator and call its promise a success.
  if ('$async' in schema) throw new UnusableSchema('"$async" is not JSON Schema')
  for (const keyword of REFERENCES) if (typeof schema[keyword] === 'string') references.push(schema[keyword])
  eachInner(schema, (inner) => survey(inner.schema, dialect, places, references))
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
