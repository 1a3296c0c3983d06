import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved, ToolDefinition } from '../mcp/definition.ts'
import { decodeHeaderValue, encodeHeaderValue, PARAM_HEADER_PREFIX } from '../mcp/headers.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import { eachInner } from './schema-walk.ts'

/**
 * Decides whether `Mcp-Param-*` headers repeat the arguments that a tool's schema declares with `x-mcp-header`
 * (MCP 2026-07-28 Streamable HTTP, "Custom Headers from Tool Parameters"). Something in front may have routed by them.
 */
interface Declaration {
  /** Member names from `arguments` to the value. */
  readonly path: readonly string[]
  /** Header name in lower case, prefix included. */
  readonly header: string
  readonly type: unknown
}

interface Scan {
  readonly declarations: readonly Declaration[]
  readonly problems: readonly string[]
}

const KEYWORD = 'x-mcp-header'
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
const TYPES: readonly unknown[] = ['string', 'integer', 'boolean']
/** The JSON grammar: what `Number` also takes (`0x10`, spaces, the empty string) is not a decimal number. */
const DECIMAL = /^-?(?:0|[1-9]\d{0,308})(?:\.\d{1,308})?(?:[eE][+-]?\d{1,3})?$/

const scans = new WeakMap<Params, Scan>()

/**
 * What is wrong with the `x-mcp-header` declarations of a tool; empty when nothing is. An HTTP client must leave such a
 * tool out (ibid., "Schema Extension"), and for an HTTP upstream that is us. The sentences quote the upstream.
 */
export function paramHeaderProblems(tool: Pick<ToolDefinition, 'inputSchema'>): readonly string[] {
  return scanned(tool.inputSchema).problems
}

/** Check `inspection.check-param-headers`, for modern calls: in the older revisions these headers mean nothing. */
export const checkParamHeadersStage: Check<Exchange & Parsed & Resolved> = {
  name: 'inspection.check-param-headers',
  check: ({ call, tool, head }) => {
    if (tool === undefined || call.era !== 'modern' || call.method !== 'tools/call') return
    checkParamHeaders(tool, head.headers, call.params['arguments'])
  },
}

/**
 * Throws `message.header_mismatch` when a declared header is missing, cannot be decoded or differs from the argument, and
 * when it is there but the argument is not. Headers that the tool does not declare are nobody's business here.
 */
export function checkParamHeaders(
  tool: Pick<ToolDefinition, 'name' | 'inputSchema'>,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  args: unknown,
): void {
  for (const declaration of scanned(tool.inputSchema).declarations) {
    const value = valueAt(args, declaration.path)
    const sent = headers[declaration.header]
    if (!agrees(declaration, value, sent)) throw mismatch(tool.name, declaration, sent)
  }
}

/**
 * The values, decoded where that can be, of `Mcp-Param-*` headers that repeat no argument of `tool`; undefined when there
 * are none. MCP lets them pass through whoever stands in between (ibid., "Behavior of Intermediaries").
 */
export function undeclaredParamHeaders(
  tool: Pick<ToolDefinition, 'inputSchema'> | undefined,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> | undefined {
  let found: Record<string, string> | undefined
  for (const name in headers) {
    const value = headers[name]
    if (!name.startsWith(PARAM_HEADER_PREFIX) || typeof value !== 'string') continue
    if (tool !== undefined && scanned(tool.inputSchema).declarations.some(({ header }) => header === name)) continue
    found ??= {}
    found[name] = decodeHeaderValue(value) ?? value
  }
  return found
}

/** The `Mcp-Param-*` headers that a call of `tool` must carry, encoded, names in lower case; `{}` for most tools. */
export function paramHeadersFor(tool: Pick<ToolDefinition, 'inputSchema'>, args: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { path, header } of scanned(tool.inputSchema).declarations) {
    const text = headerText(valueAt(args, path))
    if (text !== undefined) headers[header] = encodeHeaderValue(text)
  }
  return headers
}

function scanned(inputSchema: Params): Scan {
  let scan = scans.get(inputSchema)
  if (scan === undefined) scans.set(inputSchema, (scan = scanSchema(inputSchema)))
  return scan
}

function scanSchema(inputSchema: Params): Scan {
  const declarations: Declaration[] = []
  const problems: string[] = []
  const seen = new Set<string>()
  const visit = (schema: Params, path: readonly string[], reachable: boolean): void => {
    if (KEYWORD in schema) {
      const problem = problemOf(schema, path, reachable, seen)
      if (problem !== undefined) problems.push(`${path.join('/') || 'the schema'}: ${problem}`)
      // A number may not be declared, but where it is, its header is compared all the same.
      if (problem === undefined || problem === NO_NUMBERS) declarations.push(declarationOf(schema, path))
    }
    eachInner(schema, ({ keyword, name, schema: inner }) => {
      visit(inner, [...path, name ?? keyword], reachable && keyword === 'properties')
    })
  }
  visit(inputSchema, [], true)
  return { declarations, problems }
}

const NO_NUMBERS = `${KEYWORD} is not permitted on a number`

function problemOf(schema: Params, path: readonly string[], reachable: boolean, seen: Set<string>): string | undefined {
  const name = schema[KEYWORD]
  if (!reachable || path.length === 0) return `${KEYWORD} stands where "properties" alone do not lead`
  if (typeof name !== 'string' || !TOKEN.test(name)) return `${KEYWORD} is not a token of 1 to 128 characters`
  if (seen.has(name.toLowerCase())) return `${KEYWORD} ${name} is declared twice`
  seen.add(name.toLowerCase())
  if (schema['type'] === 'number') return NO_NUMBERS
  return TYPES.includes(schema['type']) ? undefined : `${KEYWORD} needs the type string, integer or boolean`
}

const declarationOf = (schema: Params, path: readonly string[]): Declaration => ({
  path,
  header: PARAM_HEADER_PREFIX + String(schema[KEYWORD]).toLowerCase(),
  type: schema['type'],
})

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const name of path) value = isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return value
}

function agrees({ type }: Declaration, value: unknown, sent: string | string[] | undefined): boolean {
  const text = headerText(value)
  if (text === undefined || sent === undefined) return text === undefined && sent === undefined
  const decoded = typeof sent === 'string' ? decodeHeaderValue(sent) : undefined
  if (decoded === text) return true
  // `42.0` and `42` are the same integer (ibid., "Server Validation").
  const numeric = (type === 'integer' || type === 'number') && typeof value === 'number'
  return numeric && decoded !== undefined && DECIMAL.test(decoded) && Number(decoded) === value
}

/** Undefined for null, absent values, and what no header can carry. */
function headerText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function mismatch(tool: string, { header }: Declaration, sent: unknown): Fault {
  const how = sent === undefined ? 'is missing' : 'does not match the arguments'
  return new Fault('message.header_mismatch', { tool, header }, { says: `The header ${header} ${how}.` })
}
