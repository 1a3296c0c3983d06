import type { Parsed } from '../../mcp/call.ts'
import type { Resolved } from '../../mcp/definition.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { methodOf } from '../../mcp/methods.ts'

/** Fact: what the upstream gets instead of the arguments that were sent. */
export interface Masked {
  readonly maskedArguments?: Params
  /** After secrets and personal data were taken out, or exchanged; comes before what the inspection made. */
  readonly protectedArguments?: Params
  /** All parameters, in the upstream's own names, where something beside the arguments was masked; comes before all others. */
  readonly protectedParams?: Params
  /** `Mcp-Param-*` headers that were masked, encoded. */
  readonly protectedHeaders?: Readonly<Record<string, string>>
}

/** The parameters in the upstream's own names, masked where that was decided; else the very same object on an upstream's own path. */
export function upstreamParams(exchange: Parsed & Resolved & Masked): Params {
  if (exchange.protectedParams !== undefined) return exchange.protectedParams
  const instead = exchange.protectedArguments ?? exchange.maskedArguments
  const params = namedParams(exchange)
  return instead === undefined ? params : { ...params, arguments: instead }
}

function namedParams({ call, item }: Parsed & Resolved): Params {
  if (item.kind === 'none' || call.target.kind === 'none' || item.name === call.target.name) return call.params
  const named = methodOf(call.method, call.era)?.target
  if (named !== undefined && named.kind !== 'ref') return { ...call.params, [named.param]: item.name }
  const ref = call.params['ref']
  if (!isRecord(ref)) return call.params
  return { ...call.params, ref: { ...ref, [item.kind === 'prompt' ? 'name' : 'uri']: item.name } }
}
