/** The reference of the configuration as Markdown, generated so that it cannot differ from what is checked. */
import { type ConfigKey, configKeys } from './keys.ts'
import { describeNode } from './schema-node.ts'
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
  const sections = Map.groupBy(configKeys(), ({ path }) => path.replace(/\..*$/, ''))
  return `${INTRODUCTION}\n${[...sections].map(([name, keys]) => section(name, keys)).join('\n')}`
}

function section(name: string, keys: readonly ConfigKey[]): string {
  const table = ['| key | value | default | meaning |', '|---|---|---|---|', ...keys.map(row)].join('\n')
  return `## ${name}\n\n${table}\n`
}

function row({ path, node, isRequired }: ConfigKey): string {
  const fallback = isRequired ? '**required**' : shownDefault(node)
  const value = node.properties !== undefined && node.title === undefined ? 'a map' : describeNode(node)
  return `| \`${path}\` | ${escape(value)} | ${fallback} | ${escape(node.description ?? '')} |`
}

function shownDefault(node: SchemaNode): string {
  if (node.default === undefined) return ''
  const text = JSON.stringify(node.default)
  return text === '{}' ? '' : `\`${text}\``
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|')
}
