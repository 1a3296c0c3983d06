/** The configuration's JSON Schema and the ways to read it: the one source of documents, explanations and error texts. */
import { z } from 'zod'
import { configSchema } from './schema.ts'

/** The part of JSON Schema that our schema makes use of. */
export interface SchemaNode {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: SchemaNode | boolean
  readonly propertyNames?: SchemaNode
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

let schema: SchemaNode | undefined

/** JSON Schema (draft 2020-12) of the file as it is written, for editors: `# yaml-language-server: $schema=…`. */
export function configJsonSchema(): SchemaNode {
  schema ??= z.toJSONSchema(configSchema, { io: 'input', reused: 'inline' }) as SchemaNode
  return schema
}

/** The node at `path`, or undefined when the schema knows no such place. Names of records match any key. */
export function nodeAt(path: readonly PropertyKey[]): SchemaNode | undefined {
  let nodes: readonly SchemaNode[] = [configJsonSchema()]
  for (const part of path) {
    nodes = nodes.flatMap((node) => node.anyOf ?? [node]).flatMap((node) => child(node, part) ?? [])
  }
  return nodes[0]
}

/** The keys that may stand at `path`; empty for records and for what is no object. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const node = nodeAt(path)
  if (node === undefined) return []
  return (node.anyOf ?? [node]).flatMap((branch) => Object.keys(branch.properties ?? {}))
}

/** What may stand here, as the object of "expected …". */
export function describeNode(node: SchemaNode): string {
  if (node.title !== undefined) return node.title
  if (node.const !== undefined) return String(node.const)
  if (node.enum !== undefined) return `one of ${node.enum.map(String).join(', ')}`
  if (node.anyOf !== undefined) return node.anyOf.map(describeNode).join(' or ')
  if (node.type === 'integer') return `a whole number from ${node.minimum} to ${node.maximum}`
  if (node.type === 'number') return `a number from ${node.minimum} to ${node.maximum}`
  if (node.type === 'boolean') return 'true or false'
  if (node.type === 'array') return node.items === undefined ? 'a list' : `a list, each ${describeNode(node.items)}`
  if (node.type === 'string') return node.pattern === undefined ? 'text' : `text that matches ${node.pattern}`
  if (node.properties !== undefined) return `a map with the keys ${Object.keys(node.properties).join(', ')}`
  return 'a map from names to values'
}

function child(node: SchemaNode, part: PropertyKey): SchemaNode | undefined {
  if (typeof part === 'number' || (node.items !== undefined && /^\d+$/.test(String(part)))) return node.items
  if (node.properties !== undefined && Object.hasOwn(node.properties, part)) return node.properties[String(part)]
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined
}
