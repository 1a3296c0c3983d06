/** The reference of the configuration as Markdown, generated so that it cannot differ from what is checked. */
import { configJsonSchema, describeNode } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

const INTRODUCTION = `# Configuration reference

Generated from the schema by \`npm run check -- --write\`; do not edit.

One YAML file holds the whole configuration. An unknown key is an error, and all mistakes are told at once, each with file, line,
column, path and what would be right (\`portcullis config validate\`). \`portcullis config explain PATH\` tells of one key,
\`portcullis config schema\` prints the JSON Schema for editors. Secrets never stand in the file: it names the environment
variable or the file (mode 0600) that holds them. Keys whose description begins with "Weakness" give up a guarantee; they
have to be written out, are logged at every start and are listed by \`portcullis config validate\`.
`

/** The whole document, ending with a line end. */
export function configReference(): string {
  const root = configJsonSchema()
  const sections = Object.entries(root.properties ?? {}).map(([key, node]) => section(key, node, required(root, key)))
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

function section(key: string, node: SchemaNode, isRequired: boolean): string {
  const rows = [...rowsOf(key, node, isRequired)]
  const table = ['| key | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
  return `## ${key}\n\n${table}\n`
}

function* rowsOf(path: string, node: SchemaNode, isRequired: boolean): Generator<string> {
  yield row(path, node, isRequired)
  for (const branch of node.anyOf ?? [node]) {
    if (isLeaf(branch)) continue
    for (const [key, child] of Object.entries(branch.properties ?? {})) {
      yield* rowsOf(`${path}.${key}`, child, required(branch, key))
    }
    if (typeof branch.additionalProperties === 'object')
      yield* rowsOf(`${path}.NAME`, branch.additionalProperties, false)
    if (branch.items !== undefined && branch.items.properties !== undefined) {
      for (const [key, child] of Object.entries(branch.items.properties)) {
        yield* rowsOf(`${path}[].${key}`, child, required(branch.items, key))
      }
    }
  }
}

/** A reference to a secret is one value for the reader, although it is a map. */
function isLeaf(node: SchemaNode): boolean {
  return node.properties !== undefined && Object.keys(node.properties).join() === 'env,file'
}

function row(path: string, node: SchemaNode, isRequired: boolean): string {
  const fallback = isRequired ? '**required**' : shownDefault(node)
  const value = node.properties !== undefined && node.title === undefined ? 'a map' : describeNode(node)
  return `| \`${path}\` | ${escape(value)} | ${fallback} | ${escape(node.description ?? '')} |`
}

function shownDefault(node: SchemaNode): string {
  if (node.default === undefined) return ''
  const text = JSON.stringify(node.default)
  return text === '{}' ? '' : `\`${text}\``
}

function required(node: SchemaNode, key: string): boolean {
  return node.required?.includes(key) ?? false
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|')
}
