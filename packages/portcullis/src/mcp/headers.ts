import { Fault } from '../core/fault.ts'
import type { Params } from './message.ts'

/**
 * The headers that mirror a modern message, so that something in between can route it without its body
 * (MCP 2026-07-28 Streamable HTTP, "Standard Request Headers"). They are built from the body or compared with it.
 */
export const HEADER = {
  version: 'mcp-protocol-version',
  method: 'mcp-method',
  name: 'mcp-name',
  session: 'mcp-session-id',
  lastEventId: 'last-event-id',
} as const

/** Every `Mcp-Param-{Name}` header starts so, in lower case. */
export const PARAM_HEADER_PREFIX = 'mcp-param-'

const PREFIX = '=?base64?'
const SUFFIX = '?='
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
const CANONICAL_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const hasSentinel = (value: string): boolean => value.startsWith(PREFIX) && value.endsWith(SUFFIX)

/** A value as a header may carry it: itself when it is plain ASCII, else `=?base64?…?=` (ibid., "Value Encoding"). */
export function encodeHeaderValue(value: string): string {
  if (PLAIN.test(value) && !hasSentinel(value)) return value
  return `${PREFIX}${Buffer.from(value, 'utf8').toString('base64')}${SUFFIX}`
}

/** The value that a header carries, or undefined when its encoding is not canonical Base64 of valid UTF-8. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith(PREFIX) || !hasSentinel(value)) return value
  const encoded = value.slice(PREFIX.length, -SUFFIX.length)
  if (!CANONICAL_BASE64.test(encoded)) return undefined
  try {
    return utf8.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined
  }
}

/** Which parameter `Mcp-Name` repeats, by method. `tasks/*` is the tasks extension's rule. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])

/** What `Mcp-Name` has to say for a message, decoded, or undefined when the message has no such header. */
export function nameOf(method: string, params: Params): string | undefined {
  const member = NAMED_BY.get(method)
  const name = member === undefined ? undefined : params[member]
  return typeof name === 'string' ? name : undefined
}

/** The standard headers of a modern request that we send, names in lower case. */
export function standardHeaders(method: string, params: Params, version: string): Record<string, string> {
  const name = nameOf(method, params)
  const headers: Record<string, string> = { [HEADER.version]: version, [HEADER.method]: method }
  if (name !== undefined) headers[HEADER.name] = encodeHeaderValue(name)
  return headers
}

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>

/**
 * Compares the standard headers of a modern request with its body, as whoever reads the body must
 * (ibid., "Server Validation"). Names are compared without case, values with it, after decoding.
 * Throws the fault `message.header_mismatch`.
 */
export function checkStandardHeaders(headers: IncomingHeaders, method: string, params: Params, version: string): void {
  if (headers[HEADER.version] !== version) throw mismatch('MCP-Protocol-Version', headers[HEADER.version])
  if (headers[HEADER.method] !== method) throw mismatch('Mcp-Method', headers[HEADER.method])
  const name = nameOf(method, params)
  if (name === undefined) return
  const sent = headers[HEADER.name]
  if (sent === name && !sent.startsWith(PREFIX)) return
  if (typeof sent !== 'string' || decodeHeaderValue(sent) !== name) throw mismatch('Mcp-Name', sent)
}

function mismatch(header: string, sent: unknown): Fault {
  const says =
    sent === undefined ? `The header ${header} is missing.` : `The header ${header} does not match the message.`
  return new Fault('message.header_mismatch', { header, sent }, { says })
}
