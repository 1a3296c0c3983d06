/** Decides what one argument means from what its schema, its name and its tool say about it. Unsure is `text`. */
import type { Params } from '../mcp/message.ts'
import type { Role } from './role.ts'
import {
  CODE_TOOL,
  COMMAND_NAMES,
  CONTENT_NAMES,
  DESCRIPTIONS,
  FILE_TOOL,
  FORMATS,
  HTML_TOOL,
  LAST_WORDS,
  PLACE_NAMES,
  QUERY_NAMES,
  SHELL_TOOL,
  SQL_TOOL,
  WHOLE_NAMES,
} from './role-words.ts'

/** What is known of an argument that takes a string. */
export interface Argument {
  /** As declared; of an element its list's name, of a member of a table the table's. */
  readonly name: string
  readonly schema: Params
  /** Name, title and description of the tool in lower case, separators as spaces: see `speechOf`. */
  readonly tool: string
}

/** Only the beginning of a description is read: who wrote it is a stranger. */
const MAX_SPEECH = 600

/** What a tool says of itself, ready for `roleOf`. */
export function speechOf(name: string, description: unknown, title: unknown): string {
  const said = [spaced(name), title, description].filter((part) => typeof part === 'string').join(' ')
  return said.slice(0, MAX_SPEECH).toLowerCase()
}

/**
 * The first that says something decides: format and media type, the whole name, what name and tool say together, the last
 * word of the name, a pattern that admits nothing but plain characters, the description.
 */
export function roleOf(argument: Argument): Role {
  const { name, schema } = argument
  return (
    byFormat(schema) ??
    byWholeName(plain(name)) ??
    byTool(argument) ??
    byLastWord(name) ??
    byPattern(schema['pattern']) ??
    byDescription(schema) ??
    'text'
  )
}

function byFormat({ format, contentMediaType }: Params): Role | undefined {
  if (typeof format === 'string') return FORMATS.get(format.toLowerCase())
  return contentMediaType === 'text/html' ? 'html' : undefined
}

/** What is meant by several is meant by one; but `codes` are seldom source code. */
function byWholeName(word: string): Role | undefined {
  const role = WHOLE_NAMES.get(word) ?? (word.endsWith('s') ? WHOLE_NAMES.get(word.slice(0, -1)) : undefined)
  return role === 'code' && !WHOLE_NAMES.has(word) ? undefined : role
}

function byTool({ name, tool }: Argument): Role | undefined {
  const word = plain(name)
  if (QUERY_NAMES.has(word) && SQL_TOOL.test(tool)) return 'sql'
  if (COMMAND_NAMES.has(word)) {
    if (SHELL_TOOL.test(tool)) return 'shell'
    return word === 'script' ? 'code' : undefined
  }
  if (CONTENT_NAMES.has(word) && HTML_TOOL.test(tool)) return 'html'
  if (CONTENT_NAMES.has(word) && CODE_TOOL.test(tool)) return 'code'
  return PLACE_NAMES.has(word) && FILE_TOOL.test(tool) ? 'path' : undefined
}

function byLastWord(name: string): Role | undefined {
  const last = spaced(name).toLowerCase().split(' ').at(-1)
  return last === undefined ? undefined : LAST_WORDS.get(last)
}

/** `^[A-Z]{2}\d+$` and the like: whatever it admits is a word of letters, digits and `. _ : @ -`. */
const PLAIN_PATTERN = /^\^(?:(?:\[(?:\w-\w|\\[wd]|[\w.:@-])+\]|\\[dw]|[\w@:-]|\\[.-])(?:\{\d+(?:,\d*)?\}|[*+?])?)+\$$/

function byPattern(pattern: unknown): Role | undefined {
  return typeof pattern === 'string' && pattern.length < 200 && PLAIN_PATTERN.test(pattern) ? 'identifier' : undefined
}

function byDescription({ description }: Params): Role | undefined {
  if (typeof description !== 'string') return undefined
  const text = description.slice(0, 200).toLowerCase()
  return DESCRIPTIONS.find(([, says]) => says.test(text))?.[0]
}

const plain = (name: string): string => name.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase()

/** `outputPath`, `output_path` and `output-path` as `output Path`, in words. */
const spaced = (name: string): string =>
  name
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
