import { hash } from 'node:crypto'
import { bulkOf } from '../core/bulk.ts'
import { Fault } from '../core/fault.ts'
import { eachInTurns } from '../core/turns.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import { canonicalJson } from '../mcp/canonical.ts'
import { readPages } from './read-pages.ts'

/** How much of a list is read before the upstream counts as broken. */
export interface ToolListLimits {
  readonly maxPages: number
  readonly maxTools: number
  /** Of the canonical form of all tools. */
  readonly maxBytes: number
}

export interface ToolList {
  readonly tools: ReadonlyMap<string, ToolDefinition>
  /** Why tools were left out, for operators: they hold names that the upstream chose. */
  readonly problems: readonly string[]
}

/** The result of `tools/list` from a cursor on. */
export type ToolPage = (cursor: string | undefined) => Promise<Params>

/**
 * Reads all pages of `tools/list` into definitions with digests. A tool whose name, schema or uniqueness is in doubt is
 * left out; a list that exceeds a limit or goes in circles is the fault `upstream.too_large` or `upstream.malformed`.
 */
export async function readToolList(upstream: string, page: ToolPage, limits: ToolListLimits): Promise<ToolList> {
  const raw = await readPages('tools', page, { maxPages: limits.maxPages, maxItems: limits.maxTools })
  return definitions(upstream, raw, limits)
}

async function definitions(upstream: string, raw: readonly unknown[], limits: ToolListLimits): Promise<ToolList> {
  const tools = new Map<string, ToolDefinition>()
  const repeated = new Set<string>()
  const problems: string[] = []
  let bytes = 0
  await eachInTurns(raw, FEW_TOOLS, (value) => {
    const problem = problemOf(value)
    if (problem !== undefined) {
      problems.push(problem)
      return
    }
    const tool = definition(upstream, value as RawTool, (text) => {
      bytes += text.length
    })
    if (bytes > limits.maxBytes) throw new Fault('upstream.too_large', { reason: 'tools', maxBytes: limits.maxBytes })
    if (tools.has(tool.name)) repeated.add(tool.name)
    tools.set(tool.name, tool)
  })
  // Nobody can say which of two definitions a call would reach, so neither is offered.
  for (const name of repeated) {
    tools.delete(name)
    problems.push(`the tool ${JSON.stringify(name)} is defined more than once`)
  }
  return { tools, problems }
}

/** The digest of a usual definition takes some ten microseconds. */
const FEW_TOOLS = 100
/** Members of one definition. A schema with more is unusable anyway. */
const MAX_MEMBERS = 20_000

type RawTool = Params & { readonly name: string; readonly inputSchema: Params }

function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return 'a tool is not an object'
  if ((bulkOf(value)?.members ?? 0) > MAX_MEMBERS) return `a tool has more than ${MAX_MEMBERS} members`
  const { name, inputSchema } = value
  if (typeof name !== 'string' || name === '' || name.length > 256) return 'a tool has no usable name'
  if (/[\p{Cc}\u2028\u2029]/u.test(name)) return `the tool name ${JSON.stringify(name)} holds control characters`
  if (!isRecord(inputSchema)) return `the tool ${JSON.stringify(name)} has no input schema`
  return undefined
}

function definition(upstream: string, raw: RawTool, weigh: (text: string) => void): ToolDefinition {
  const text = canonicalJson(raw)
  weigh(text)
  const { name, inputSchema, outputSchema, annotations } = raw
  return {
    upstream,
    name,
    inputSchema,
    ...(isRecord(outputSchema) && { outputSchema }),
    ...(isRecord(annotations) && { annotations }),
    raw,
    digest: hash('sha256', text, 'hex'),
  }
}
