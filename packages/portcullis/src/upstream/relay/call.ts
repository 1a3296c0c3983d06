import { Fault } from '../../core/fault.ts'
import type { Answer } from '../../core/exchange.ts'
import { toLegacy } from '../../mcp/bridge.ts'
import { formOf } from '../../mcp/forms.ts'
import type { Era, Params } from '../../mcp/message.ts'
import type { LinkEvents } from '../link.ts'
import { callNotices } from './call-notices.ts'
import { converse } from './converse.ts'
import { senderOf, toldBy, withAnswers } from './earlier-answers.ts'
import { finishModern, identified, renamed } from './finish.ts'
import { type Admitted, answer, answered, idOf, type RelayParts, refuseAsk } from './parts.ts'
import { relayParked } from './parked.ts'
import { sessionLink } from './session-link.ts'
import { upstreamParams } from './upstream-params.ts'
import type { Upstream } from '../upstream.ts'

/**
 * Carries one request with a target to its upstream and its response back, whatever the eras of the two:
 *
 * | client | upstream | way |
 * |---|---|---|
 * | modern | modern | passed on; only `requestState` is sealed |
 * | modern | legacy | `relay-parked`: questions become `input_required`, the call waits |
 * | legacy | legacy | passed on within the session |
 * | legacy | modern | `converse`: `input_required` becomes questions to the client |
 */
export function relayCall(parts: RelayParts, exchange: Admitted): Promise<Answer> {
  const upstream = parts.upstreams.get(exchange.upstream as string)
  if (upstream === undefined) return Promise.reject(new Fault('policy.unknown_target', { upstream: exchange.upstream }))
  const { era } = upstream
  if (era !== undefined) return relayTo(parts, exchange, upstream, era)
  return upstream.connect().then((told) => relayTo(parts, exchange, upstream, told.era))
}

function relayTo(parts: RelayParts, exchange: Admitted, upstream: Upstream, upstreamEra: Era): Promise<Answer> {
  if (exchange.call.era === 'legacy') return relayLegacy(parts, exchange, upstream, upstreamEra === 'legacy')
  return upstreamEra === 'modern' ? relayModern(parts, exchange, upstream) : relayParked(parts, exchange, upstream)
}

async function relayModern(parts: RelayParts, exchange: Admitted, upstream: Upstream): Promise<Answer> {
  const { call, principal } = exchange
  const told = unsealed(parts, exchange, upstream)
  const params = told instanceof Promise ? await told : told
  const request = {
    id: idOf(exchange),
    method: call.method,
    params,
    paramHeaders: paramHeaders(parts, exchange, params),
    incident: exchange.incident,
  }
  const shared = upstream.shared(parts.scopeOf(principal, upstream.name))
  const link = shared instanceof Promise ? await shared : shared
  // A modern upstream sends notifications only; a request on its stream breaks the protocol and is refused there.
  const events = { notify: callNotices(exchange, upstream), ask: refuseAsk }
  const response = await link.request(request, events, exchange.cancellation)
  return finishModern(parts, exchange, upstream, response)
}

async function relayLegacy(
  parts: RelayParts,
  exchange: Admitted,
  upstream: Upstream,
  sameEra: boolean,
): Promise<Answer> {
  const { session, call } = exchange
  if (session === undefined) throw new Fault('session.required')
  const done = session.begin(idOf(exchange), exchange.cancellation)
  try {
    const link = await sessionLink(parts, session, upstream)
    const params = upstreamParams(exchange)
    const mirrored = exchange.tool && parts.paramHeaders(exchange.tool, params['arguments'])
    const request = {
      id: idOf(exchange),
      method: call.method,
      params,
      incident: exchange.incident,
      ...(mirrored && { paramHeaders: mirrored }),
    }
    const sender = senderOf(exchange, upstream)
    const events: LinkEvents = {
      notify: callNotices(exchange, upstream),
      ask: (question, withdrawn) =>
        answered(
          parts,
          sender,
          session.ask(question, exchange.outlet, exchange.cancellation, withdrawn),
          formOf(question),
        ),
    }
    const response = sameEra
      ? await link.request(request, events, exchange.cancellation)
      : toLegacy(await converse(link, request, session, events, exchange.cancellation))
    return answer(renamed(exchange, upstream, identified(upstream, response)))
  } finally {
    done()
  }
}

/** As the upstream itself has asked for them. Throws or rejects with `state.invalid` and what masking refuses. */
function unsealed(parts: RelayParts, exchange: Admitted, upstream: Upstream): Params | Promise<Params> {
  const { call, principal } = exchange
  const told = toldBy(parts, exchange, upstream)
  const { requestState } = told.params
  if (requestState === undefined) return withAnswers(parts, exchange, upstream, told, undefined)
  const inner = parts.seal.open(requestState, principal, call.method, call.params)
  const { state, forms } = inner
  if (inner.upstream !== upstream.name || (state === undefined && forms === undefined)) throw new Fault('state.invalid')
  const { requestState: _sealed, ...params } = told.params
  const restored = { ...told, params: state === undefined ? params : { ...params, requestState: state } }
  return withAnswers(parts, exchange, upstream, restored, forms)
}

/** `Mcp-Param-*` headers go on to whoever declared them (MCP "Server Behavior for Custom Headers"). */
function paramHeaders(parts: RelayParts, exchange: Admitted, params: Params): Readonly<Record<string, string>> {
  const { tool, call, head, protectedHeaders } = exchange
  // What repeats an argument repeats the one that is sent.
  const isOther = params['arguments'] !== call.params['arguments']
  if (!isOther && protectedHeaders === undefined) return paramHeadersIn(head.headers)
  const headers = { ...head.headers, ...protectedHeaders }
  if (tool !== undefined && isOther) {
    for (const name in parts.paramHeaders(tool, call.params['arguments'])) delete headers[name]
    Object.assign(headers, parts.paramHeaders(tool, params['arguments']))
  }
  return paramHeadersIn(headers)
}

function paramHeadersIn(headers: Admitted['head']['headers']): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined
  for (const name in headers) {
    const value = headers[name]
    if (name.startsWith('mcp-param-') && typeof value === 'string') (found ??= {})[name] = value
  }
  return found ?? NONE
}

const NONE: Readonly<Record<string, string>> = {}
