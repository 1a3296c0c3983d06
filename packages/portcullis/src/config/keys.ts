/** Every key that a configuration may have, in the order of the schema: for the reference, and for whoever goes through all. */
import { configJsonSchema, type SchemaNode } from './schema-node.ts'

/** One key. In its path `NAME` stands for any name and `[]` for any element, such as `exporters.NAME.webhook.secrets`. */
export interface ConfigKey {
  readonly path: string
  readonly node: SchemaNode
  readonly isRequired: boolean
  /** Whether it can hold a value of its own, and not only further keys. */
  readonly holdsValue: boolean
}

/** Maps come before what is in them. A reference to a secret is one value, although it is a map. */
export function* configKeys(): Generator<ConfigKey> {
  yield* below('', configJsonSchema())
}

function* below(path: string, node: SchemaNode): Generator<ConfigKey> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    yield* keyAndBelow(path === '' ? name : `${path}.${name}`, child, node.required?.includes(name) ?? false)
  }
  if (typeof node.additionalProperties === 'object')
    yield* keyAndBelow(`${path}.NAME`, node.additionalProperties, false)
  if (node.items !== undefined) yield* branchesOf(node.items).flatMap((item) => [...below(`${path}[]`, item)])
}

function* keyAndBelow(path: string, node: SchemaNode, isRequired: boolean): Generator<ConfigKey> {
  const branches = branchesOf(node)
  const further = branches.map((branch) => [...below(path, branch)])
  yield { path, node, isRequired, holdsValue: further.some((keys) => keys.length === 0) }
  yield* further.flat()
}

function branchesOf(node: SchemaNode): readonly SchemaNode[] {
  return (node.anyOf ?? [node]).map((branch) => (isSecretSource(branch) ? {} : branch))
}

const isSecretSource = ({ properties = {} }: SchemaNode): boolean => Object.keys(properties).join() === 'env,file'
