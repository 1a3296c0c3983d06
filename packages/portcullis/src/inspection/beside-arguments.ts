/** Decides which parts of a message are looked at beside its arguments: whatever else may reach an upstream and nobody reads. */
import type { Exchange } from '../core/exchange.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import { META } from '../mcp/meta.ts'
import { HEADERS } from './beside-stations.ts'
import { undeclaredParamHeaders } from './param-headers.ts'

/** Members of any message that are resolved to something known, or sealed by the gateway itself. */
const SETTLED = ['_meta', 'taskId', 'requestState']
const settledAnd = (...names: readonly string[]): ReadonlySet<string> => new Set([...SETTLED, ...names])
const NO_MORE = settledAnd()

/** By method, parameters that are looked at as arguments or name what the message is for. */
const JUDGED_ELSEWHERE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['initialize', settledAnd('protocolVersion', 'clientInfo', 'capabilities')],
  ['tools/call', settledAnd('name', 'arguments')],
  ['prompts/get', settledAnd('name', 'arguments')],
  ['completion/complete', settledAnd('ref', 'argument', 'context')],
  ['resources/read', settledAnd('uri')],
  ['resources/subscribe', settledAnd('uri')],
  ['resources/unsubscribe', settledAnd('uri')],
])

/** The envelope of a modern message. */
const ENVELOPE: ReadonlySet<string> = new Set(Object.values(META))

/**
 * Answers to questions (`inputResponses`, and a legacy client's `result` or `error`), members of `_meta` beyond the
 * envelope, parameters that no other stage reads, and undeclared `Mcp-Param-*` headers as `headers`. Undefined when the
 * message has none of them.
 */
export function besideArguments({ call, tool, head }: Exchange & Parsed & Resolved): Params | undefined {
  const { kind, params, message, era } = call
  if (kind === 'response') return { result: message['result'], error: message['error'] }
  let found = without(params, JUDGED_ELSEWHERE.get(call.method) ?? NO_MORE)
  const meta = params['_meta']
  const free = isRecord(meta) ? without(meta, ENVELOPE) : undefined
  if (free !== undefined) found = { ...found, _meta: free }
  const headers = era === 'modern' ? undeclaredParamHeaders(tool, head.headers) : undefined
  return headers === undefined ? found : { ...found, [HEADERS]: headers }
}

/** Most messages have nothing beyond what is known, so that nothing is made for them. */
function without(params: Params, known: ReadonlySet<string>): Params | undefined {
  let found: Record<string, unknown> | undefined
  for (const name in params) {
    if (known.has(name)) continue
    found ??= Object.create(null) as Record<string, unknown>
    found[name] = params[name]
  }
  return found
}
