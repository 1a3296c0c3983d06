/**
 * What counts as the same definition.
 *
 * A definition is laid out as fields, one for each value that means something: a path (RFC 6901, with `[0]` for an
 * element) and a JSON value. Two definitions with the same fields are the same. Hence nothing depends on the order of
 * members, on the order of what JSON Schema takes as a set, on line ends, on spaces at the end of a line, or on whether
 * prose is composed or decomposed Unicode (NFC); and an empty or null member equals none. Everything else is a change,
 * members that nobody knows included: a model may be shown them.
 */
import { canonicalJson } from '../../mcp/canonical.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { holdsSchemas } from '../schema-walk.ts'
import type { Kind } from './kind.ts'

/** Paths to JSON values: scalars, lists of scalars, and empty objects. */
export type Fields = ReadonlyMap<string, unknown>

type Layout = Map<string, unknown>

/** Members whose order and repetition JSON Schema gives no meaning (2020-12 validation §6, core §10.2.1). */
const SETS: ReadonlySet<string> = new Set(['required', 'enum', 'type', 'examples', 'anyOf', 'oneOf', 'allOf'])
/** Members that are read as text and never compared by a program. */
const PROSE: ReadonlySet<string> = new Set(['title', 'description', '$comment', 'text'])
/** What changes with the content of a resource and not with its definition, as long as it has the shape of that. */
const VOLATILE: Readonly<Record<string, (value: unknown) => boolean>> = {
  size: (value) => typeof value === 'number',
  lastModified: (value) => typeof value === 'string' && /^[\dTZtz:.+-]{10,35}$/.test(value),
}

/** Lays out what an upstream sent. The name by which the item is known is not among the fields. */
export function fieldsOf(kind: Kind, raw: Params): Fields {
  const fields: Layout = new Map()
  for (const [member, value] of Object.entries(raw)) {
    if (LEFT_OUT[kind].has(member) || isNothing(member, value)) continue
    if (kind === 'resource' && VOLATILE[member]?.(value) === true) continue
    if (kind === 'server' && member === 'version' && isVersion(value)) continue
    layMember(fields, kind, member, value)
  }
  return fields
}

/** A server is not another one because it is newer: its version is shown to reviewers beside the digest. A sentence is none. */
const isVersion = (value: unknown): boolean => typeof value === 'string' && /^v?\d[\w.+-]{0,39}$/.test(value)

const LEFT_OUT: Readonly<Record<Kind, ReadonlySet<string>>> = {
  server: new Set(),
  instructions: new Set(),
  tool: new Set(['name']),
  prompt: new Set(['name']),
  resource: new Set(['uri']),
  template: new Set(['uriTemplate']),
}

function layMember(fields: Layout, kind: Kind, member: string, value: unknown): void {
  const path = step('', member)
  if (kind === 'tool' && (member === 'inputSchema' || member === 'outputSchema')) laySchema(fields, path, value)
  else if (kind === 'prompt' && member === 'arguments') layArguments(fields, path, value)
  else if (member === 'annotations' && isRecord(value)) layAnnotations(fields, path, value)
  else if (PROSE.has(member) && typeof value === 'string') fields.set(path, prose(value))
  else layData(fields, path, value)
}

function layAnnotations(fields: Layout, path: string, annotations: Params): void {
  for (const [member, value] of Object.entries(annotations)) {
    if (value === null || VOLATILE[member]?.(value) === true) continue
    const at = step(path, member)
    if (member === 'title' && typeof value === 'string') fields.set(at, prose(value))
    else if (member === 'audience' && Array.isArray(value)) laySet(fields, at, value, layData)
    else layData(fields, at, value)
  }
}

/** Arguments of a prompt have names, so their order says nothing. */
function layArguments(fields: Layout, path: string, value: unknown): void {
  const named = Array.isArray(value) ? value.filter((one) => isRecord(one) && typeof one['name'] === 'string') : []
  const names = new Set(named.map((one: Params) => one['name']))
  // In one text, so that a map of arguments is never the same as the list that it imitates.
  if (!Array.isArray(value)) return void fields.set(path, canonicalJson(value))
  if (names.size !== value.length) return layData(fields, path, value)
  for (const { name, ...argument } of named as readonly (Params & { readonly name: string })[]) {
    const at = step(path, name)
    const members = Object.entries(argument).filter(([, each]) => each !== null)
    if (members.length === 0) fields.set(at, {})
    for (const [member, each] of members) {
      fields.set(step(at, member), PROSE.has(member) && typeof each === 'string' ? prose(each) : each)
    }
  }
}

function laySchema(fields: Layout, path: string, schema: unknown): void {
  if (!isRecord(schema)) return layData(fields, path, schema)
  const before = fields.size
  for (const [keyword, value] of Object.entries(schema)) {
    if (MAY_BE_EMPTY.has(keyword) && isEmpty(value)) continue
    layKeyword(fields, step(path, keyword), keyword, value)
  }
  if (fields.size === before) fields.set(path, {})
}

/** Without a member in them they say what their absence says. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set([
  'required',
  'properties',
  '$defs',
  'definitions',
  'patternProperties',
])

function layKeyword(fields: Layout, path: string, keyword: string, value: unknown): void {
  const holds = holdsSchemas(keyword)
  if (Array.isArray(value) && SETS.has(keyword)) laySet(fields, path, value, holds ? laySchema : layData)
  else if (keyword === 'dependentRequired' && isRecord(value)) {
    for (const [name, names] of Object.entries(value))
      if (Array.isArray(names)) laySet(fields, step(path, name), names, layData)
      else layData(fields, step(path, name), names)
  } else if (holds === 'map' && isRecord(value)) {
    if (isEmpty(value)) fields.set(path, {})
    for (const [name, inner] of Object.entries(value)) laySchema(fields, step(path, name), inner)
  } else if (holds !== undefined && Array.isArray(value)) {
    if (value.length === 0) fields.set(path, [])
    for (const [index, inner] of value.entries()) laySchema(fields, element(path, index), inner)
  } else if (holds !== undefined) laySchema(fields, path, value)
  else if (PROSE.has(keyword) && typeof value === 'string') fields.set(path, prose(value))
  else layData(fields, path, value)
}

/** Members in the order of their canonical text, each once. */
function laySet(fields: Layout, path: string, values: readonly unknown[], lay: typeof layData): void {
  const members = new Map<string, Layout>()
  for (const value of values) {
    const own: Layout = new Map()
    lay(own, '', value)
    members.set(canonicalJson([...own].toSorted(([a], [b]) => (a < b ? -1 : 1))), own)
  }
  const sorted = [...members].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, own]) => own)
  if (sorted.every((own) => own.size === 1 && own.has('') && isScalar(own.get('')))) {
    fields.set(
      path,
      sorted.map((own) => own.get('')),
    )
    return
  }
  for (const [index, own] of sorted.entries())
    for (const [inner, value] of own) fields.set(element(path, index) + inner, value)
}

/** Values that a program compares: exact, their order included. */
function layData(fields: Layout, path: string, value: unknown): void {
  if (Array.isArray(value)) {
    if (value.every(isScalar)) fields.set(path, value)
    else for (const [index, each] of value.entries()) layData(fields, element(path, index), each)
  } else if (isRecord(value) && !isEmpty(value)) {
    for (const [member, each] of Object.entries(value)) layData(fields, step(path, member), each)
  } else fields.set(path, value)
}

/** Text as a reader sees it. */
export function prose(text: string): string {
  const lines = text.normalize('NFC').replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n').map(trimmedEnd)
  while (lines.length > 1 && lines.at(-1) === '') lines.pop()
  return lines.join('\n')
}

/** Spaces and tabs only: every other character that cannot be seen is a change. */
function trimmedEnd(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(0, end)
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null

const isEmpty = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0

/** An empty schema allows everything, which is more than nothing. */
const isNothing = (member: string, value: unknown): boolean =>
  value === null || value === undefined || (isEmpty(value) && !member.endsWith('Schema'))

/** A name that looks like an element is written so that it cannot be taken for one. */
const step = (path: string, name: string): string =>
  `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1').replace(/^\[/, '~2')}`

const element = (path: string, index: number): string => `${path}/[${index}]`
