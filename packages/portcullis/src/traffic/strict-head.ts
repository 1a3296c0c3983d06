import type { Exchange, RequestHead } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'

/** What the head of a request may hold of MCP's own headers. */
export const HEAD_LIMITS = { maxMcpHeaders: 64, maxMcpHeaderBytes: 4096, maxPathBytes: 2048 } as const

/**
 * Check `traffic.strict-head`: refuses heads that two programs could read differently, which is what smuggling and
 * routing around a rule are made of (RFC 9112 section 11.2, RFC 9110 section 5.3).
 *
 * Throws `transport.ambiguous_request` and `identity.token_in_query`.
 */
export const strictHead: Check<Exchange> = {
  name: 'traffic.strict-head',
  check({ head }) {
    if (head.conflict !== undefined) refuse(head.conflict)
    const { kin } = head
    if (kin !== undefined && sound.has(kin)) return
    checkPath(head.path)
    if (head.query !== '') checkQuery(head.query)
    checkFraming(head)
    checkHeaders(head)
    if (kin !== undefined) sound.add(kin)
  },
}

/** Heads that have passed; another length, which is digits, changes nothing about that. */
const sound = new WeakSet<object>()

const refuse = (reason: string, detail: Readonly<Record<string, unknown>> = {}): never => {
  throw new Fault('transport.ambiguous_request', { reason, ...detail })
}

/** Anything but unreserved characters, sub-delimiters, `:`, `@`, `/` and escapes (RFC 3986 section 3.3). */
const UNUSUAL_IN_PATH = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/
/** An escaped dot, slash, backslash, percent sign or control character, a broken escape, `//`, and dot segments. */
const AMBIGUOUS_PATH = /%(?:2e|2f|5c|25|[01][0-9a-f]|7f)|%(?![0-9a-f]{2})|\/\/|\/\.{1,2}(?:\/|$)/i

function checkPath(path: string): void {
  if (!path.startsWith('/')) refuse('the target is not a path')
  if (path.length > HEAD_LIMITS.maxPathBytes) refuse('the path is too long')
  if (UNUSUAL_IN_PATH.test(path) || AMBIGUOUS_PATH.test(path)) refuse('the path is ambiguous')
}

/** URLs end in logs and in Referer, so credentials do not belong there (RFC 9700 section 4.3.2). */
const CREDENTIALS = new Set([
  'access_token',
  'accesstoken',
  'api_key',
  'apikey',
  'api-key',
  'x-api-key',
  'token',
  'bearer',
  'authorization',
])

function checkQuery(query: string): void {
  for (const pair of query.split(/[&;]/)) {
    const end = pair.indexOf('=')
    const name = decoded(end < 0 ? pair : pair.slice(0, end))
    if (CREDENTIALS.has(name)) throw new Fault('identity.token_in_query', { name })
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).trim().toLowerCase()
  } catch {
    return refuse('the query is ambiguous')
  }
}

function checkFraming({ headers }: RequestHead): void {
  // What is said after a request was judged must not change it.
  if (headers['trailer'] !== undefined) refuse('trailers')
  const encoding = headers['transfer-encoding']
  if (encoding === undefined) return
  if (headers['content-length'] !== undefined) refuse('two lengths')
  if (encoding !== 'chunked') refuse('an unknown transfer coding')
}

/** None of these may hold a comma, so a comma means that it came twice and was joined. */
const SINGLE = new Set([
  'host',
  'authorization',
  'content-type',
  'content-length',
  'origin',
  'dpop',
  'mcp-method',
  'mcp-protocol-version',
  'mcp-session-id',
  'last-event-id',
])

function checkHeaders({ headers, repeated = [] }: RequestHead): void {
  const twice = repeated.find((name) => SINGLE.has(name) || name.startsWith('mcp-'))
  if (twice !== undefined) refuse('a repeated header', { header: twice })
  let mcpHeaders = 0
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value !== 'string') {
      if (name !== 'set-cookie') refuse('a repeated header', { header: name })
      continue
    }
    if (hasControls(value)) refuse('a control character', { header: name })
    if (SINGLE.has(name) && value.includes(',')) refuse('a repeated header', { header: name })
    if (name.startsWith('mcp-')) {
      if (++mcpHeaders > HEAD_LIMITS.maxMcpHeaders) refuse('too many Mcp headers')
      checkMcpHeader(name, value)
    }
  }
}

function checkMcpHeader(name: string, value: string): void {
  if (value.length > HEAD_LIMITS.maxMcpHeaderBytes) refuse('an overlong header', { header: name })
  // What is not printable ASCII has to be encoded (MCP 2026-07-28, "Value Encoding").
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) refuse('an unencoded header', { header: name })
  }
}

function hasControls(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true
  }
  return false
}
