/** Turns the text of a configuration into plain values, remembering where each of them stands. */
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node } from 'yaml'
import type { Problem } from './problem.ts'

const MAX_CHARACTERS = 1_048_576
/** A few aliases are fine; a "billion laughs" document needs many. */
const MAX_ALIASES = 100

export interface ParsedYaml {
  /** Plain JavaScript value; undefined when the text cannot be read at all. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Where the value or the key at `path` stands; the nearest parent that exists when it does not. */
  locate(path: readonly PropertyKey[], what: 'key' | 'value'): { readonly line: number; readonly column: number }
}

/** Never throws: whatever is wrong with the text is in `problems`. */
export function parseYaml(text: string, file: string): ParsedYaml {
  const start = { line: 1, column: 1 }
  const told = (wrong: string, right: string, place = start): Problem => ({ file, ...place, path: '', wrong, right })
  if (text.length > MAX_CHARACTERS) {
    const problem = told(`more than ${MAX_CHARACTERS} characters`, 'a configuration is much smaller')
    return { value: undefined, problems: [problem], locate: () => start }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: '1.2' })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problems = [...document.errors, ...document.warnings].map((error) =>
    told(sentence(error.message), remedy(error.code), place(error.pos[0])),
  )
  const forbidden = forbiddenKeys(document)
  for (const { name, offset } of forbidden) {
    problems.push(told(`the key ${name} is not allowed`, 'remove it', place(offset)))
  }
  const readable = document.errors.every((error) => error.code === 'DUPLICATE_KEY')
  const broken = !readable || document.warnings.length > 0 || forbidden.length > 0
  const value = broken ? undefined : plain(document, (message) => problems.push(told(message, remedy('ALIAS'))))
  return { value, problems, locate: (path, what) => place(offsetOf(document, path, what)) }
}

function plain(document: Document.Parsed, fail: (message: string) => void): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown
  } catch (thrown) {
    fail(sentence(thrown instanceof Error ? thrown.message : String(thrown)))
    return undefined
  }
}

/** Keys that are no names, and names that would reach into the prototypes of the objects that are made from the text. */
function forbiddenKeys(document: Document.Parsed): readonly { name: string; offset: number }[] {
  const found: { name: string; offset: number }[] = []
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key)) {
        found.push({ name: 'that is a map or a list', offset: rangeOf(pair.key) ?? 0 })
        return
      }
      const name = String(pair.key.value)
      if (['__proto__', 'constructor', 'prototype'].includes(name))
        found.push({ name, offset: pair.key.range?.[0] ?? 0 })
    },
  })
  return found
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], what: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = rangeOf(node) ?? 0
  for (const [index, part] of path.entries()) {
    const pair = isMap(node)
      ? node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part))
      : undefined
    const next = pair === undefined ? (isSeq(node) ? node.items[Number(part)] : undefined) : pair.value
    const key = rangeOf(pair?.key)
    if (key === undefined && next === undefined) return offset
    const wantsKey = what === 'key' || next === null || index < path.length - 1
    offset = (wantsKey ? key : rangeOf(next)) ?? rangeOf(next) ?? key ?? offset
    node = next
  }
  return offset
}

function rangeOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}

function sentence(message: string): string {
  const first = message.split('\n')[0] ?? message
  return first.charAt(0).toLowerCase() + first.slice(1).replace(/\.$/, '')
}

/** What would be right, by the codes of the `yaml` package. */
function remedy(code: string): string {
  const remedies: Readonly<Record<string, string>> = {
    DUPLICATE_KEY: 'give each key once',
    TAB_AS_INDENT: 'indent with spaces',
    BAD_INDENT: 'align it with its siblings',
    MULTIPLE_DOCS: 'put everything into one document',
    TAG_RESOLVE_FAILED: 'use plain values without tags',
    ALIAS: `use at most ${MAX_ALIASES} aliases, each after its anchor`,
    BAD_ALIAS: 'use an alias only after its anchor',
  }
  return remedies[code] ?? 'make it valid YAML 1.2'
}
