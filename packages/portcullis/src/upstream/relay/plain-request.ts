import { Fault } from '../../core/fault.ts'
import { toLegacy } from '../../mcp/bridge.ts'
import { isRecord, type Params, type Response } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { enveloped } from './converse.ts'
import type { LinkEvents } from '../link.ts'
import { modernised } from './finish.ts'
import { type Admitted, idOf, type RelayParts, refuseAsk } from './parts.ts'
import { sessionLink } from './session-link.ts'
import type { Upstream } from '../upstream.ts'

/**
 * Asks one upstream something that asks nothing back, such as a page of a list, and returns the response in the era of
 * the client. The exchange's own method is used; `params` are in the upstream's names.
 */
export async function plainRequest(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  params: Params,
  method = exchange.call.method,
): Promise<Response> {
  const { call, session, principal, cancellation, incident } = exchange
  const upstreamEra = upstream.era ?? (await upstream.connect()).era
  const events = plainEvents(exchange)
  if (call.era === 'legacy') {
    if (session === undefined) throw new Fault('session.required')
    const link = await sessionLink(parts, session, upstream)
    const sent = upstreamEra === 'modern' ? enveloped(params, session) : params
    const response = await link.request({ id: idOf(exchange), method, params: sent, incident }, events, cancellation)
    return upstreamEra === 'modern' ? toLegacy(response) : response
  }
  const link = await upstream.shared(parts.scopeOf(principal, upstream.name))
  const sent = upstreamEra === 'legacy' ? withoutEnvelope(params) : params
  const response = await link.request({ id: idOf(exchange), method, params: sent, incident }, events, cancellation)
  return upstreamEra === 'legacy' ? modernised(exchange, upstream, response) : response
}

/** The members of the modern envelope mean nothing to a legacy upstream; progress tokens and trace context do. */
export function withoutEnvelope(params: Params): Params {
  const { inputResponses: _answers, requestState: _state, ...rest } = params
  if (!isRecord(rest['_meta'])) return rest
  const kept = Object.entries(rest['_meta']).filter(([name]) => !ENVELOPE.has(name))
  return { ...rest, _meta: Object.fromEntries(kept) }
}

const ENVELOPE: ReadonlySet<string> = new Set([META.version, META.clientCapabilities, META.clientInfo, META.logLevel])

const plainEvents = (exchange: Admitted): LinkEvents => ({
  notify: (message) => exchange.outlet.send(message),
  ask: refuseAsk,
})
