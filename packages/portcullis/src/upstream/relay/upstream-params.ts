import type { Parsed } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { methodOf } from '../../mcp/methods.ts'

/** The parameters in the upstream's own names; the very same object on an upstream's own path. */
export function upstreamParams(exchange: Parsed & Resolved): Params {
  const { call, item } = exchange
  if (item.kind === 'none' || call.target.kind === 'none' || item.name === call.target.name) return call.params
  const named = methodOf(call.method, call.era)?.target
  if (named !== undefined && named.kind !== 'ref') return { ...call.params, [named.param]: item.name }
  const ref = call.params['ref']
  if (!isRecord(ref)) return call.params
  return { ...call.params, ref: { ...ref, [item.kind === 'prompt' ? 'name' : 'uri']: item.name } }
}
