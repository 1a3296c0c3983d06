import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { declaredCapabilities } from '../../mcp/envelope.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { LEGACY_VERSIONS } from '../../mcp/versions.ts'
import { scopeOfPrincipal } from '../access/holder.ts'
import type { LinkClient, LinkEvents } from '../link.ts'
import { callNotices } from './call-notices.ts'
import { toldBy, withAnswers } from './earlier-answers.ts'
import { type Outcome, ParkedCall } from './parking.ts'
import { finishModern, modernised } from './finish.ts'
import { type Admitted, answer, idOf, type RelayParts } from './parts.ts'
import type { Upstream } from '../upstream.ts'
import { withoutEnvelope } from './plain-request.ts'
import { upstreamParams } from './upstream-params.ts'

/** A modern client's call on a legacy upstream, or the next round of one that waits for its answers. */
export async function relayParked(parts: RelayParts, exchange: Admitted, upstream: Upstream): Promise<Answer> {
  const { call, principal } = exchange
  const notify = callNotices(exchange, upstream)
  const told = toldBy(parts, exchange, upstream)
  const state = told.params['requestState']
  // It was never begun, also where the caller had to connect the upstream first, or a person to approve the call.
  if (state === undefined) return attend(parts, exchange, upstream, await start(parts, exchange, upstream, notify))
  const inner = parts.seal.open(state, principal, call.method, call.params)
  if (inner.upstream !== upstream.name || inner.parked === undefined) throw new Fault('state.invalid')
  const parked = parts.parking.take(inner.parked, principal)
  try {
    parked.answer((await withAnswers(parts, exchange, upstream, told, parked.forms))['inputResponses'], notify)
  } catch (thrown) {
    parked.cancellation.cancel('client-left')
    throw thrown
  }
  return attend(parts, exchange, upstream, parked)
}

async function start(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  notify: LinkEvents['notify'],
): Promise<ParkedCall> {
  const { call, principal } = exchange
  const scope = parts.scopeOf(principal, upstream.name)
  const params = withoutEnvelope(upstreamParams(exchange))
  // The rounds that follow are requests of their own, but what the upstream does is still this call.
  const request = { id: idOf(exchange), method: call.method, params, incident: exchange.incident }
  const parked = new ParkedCall(upstream.name, notify)
  if (!mayBeAsked(call.params)) {
    const link = await upstream.shared(scope)
    parked.follow(link.request(request, parked.events, parked.cancellation))
    return parked
  }
  // What such a call causes cannot be told from another's on one link, so it gets a link to itself while it runs.
  const lease = await upstream.exclusive(scope, clientOf(call.params), scopeOfPrincipal(principal))
  const level = metaOf(call.params)[META.logLevel]
  if (typeof level === 'string')
    await lease.link.request(setLevel(level), parked.events, parked.cancellation).catch(() => {})
  parked.follow(lease.link.request(request, parked.events, parked.cancellation).finally(() => lease.release()))
  return parked
}

/** Serves a call while its caller is here; what happens in between is the parking's business. */
async function attend(parts: RelayParts, exchange: Admitted, upstream: Upstream, parked: ParkedCall): Promise<Answer> {
  const forget = exchange.cancellation.onCancel((reason) => parked.cancellation.cancel(reason))
  let outcome: Outcome
  try {
    outcome = await parked.next()
  } finally {
    forget()
  }
  if (outcome.kind === 'response') {
    return finishModern(
      parts,
      exchange,
      upstream,
      modernised(exchange, upstream, { ...outcome.response, id: idOf(exchange) }),
    )
  }
  return askFor(parts, exchange, upstream, parked, outcome.asks)
}

function askFor(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  parked: ParkedCall,
  asks: Readonly<Record<string, Params>>,
): Answer {
  const { call, principal } = exchange
  const inputRequired = { resultType: 'input_required', inputRequests: asks }
  try {
    const asked = { jsonrpc: '2.0', id: idOf(exchange), result: inputRequired } as const
    const shown = finishModern(parts, exchange, upstream, asked, 'parked')
    const requestState = parts.seal.seal(
      { upstream: upstream.name, parked: parked.id, ...parts.carry?.(exchange) },
      principal,
      call.method,
      call.params,
    )
    parts.parking.park(parked, principal)
    const message = shown.message as unknown as { result: Params }
    return answer({ jsonrpc: '2.0', id: idOf(exchange), result: { ...message.result, requestState } })
  } catch (thrown) {
    parked.cancellation.cancel('client-left')
    throw thrown
  }
}

const metaOf = (params: Params): Params => (isRecord(params['_meta']) ? params['_meta'] : {})

/** Whether an upstream could send this caller something that carries no mark of the call it belongs to. */
function mayBeAsked(params: Params): boolean {
  const { elicitation, sampling, roots } = declaredCapabilities(params)
  return isRecord(elicitation) || isRecord(sampling) || isRecord(roots) || metaOf(params)[META.logLevel] !== undefined
}

function clientOf(params: Params): LinkClient {
  const { elicitation, sampling, roots } = declaredCapabilities(params)
  const info = metaOf(params)[META.clientInfo]
  return {
    info: isRecord(info) ? info : { name: 'portcullis', version: '1' },
    capabilities: {
      ...(isRecord(elicitation) && { elicitation }),
      ...(isRecord(sampling) && { sampling }),
      ...(isRecord(roots) && { roots }),
    },
    version: LEGACY_VERSIONS[0],
  }
}

const setLevel = (level: string) => ({ id: 'portcullis-level', method: 'logging/setLevel', params: { level } })
