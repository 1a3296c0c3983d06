/** What a caller is told who has to connect an upstream first, and how its request goes on when it comes back. */
import type { Exchange } from '../../core/exchange.ts'
import { Fault, type FaultLink } from '../../core/fault.ts'
import { ASKING_METHODS } from '../../mcp/methods.ts'
import { declaredCapabilities } from '../../mcp/envelope.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import type { Upstream } from '../upstream.ts'
import type { Admitted } from './parts.ts'
import type { StateSeal } from './seal-state.ts'

/** As much of an exchange as is known when an upstream turns out not to be connected. */
export type Asking = Exchange & Pick<Admitted, 'call' | 'principal' | 'session'>

/**
 * The link in the form that this caller can take: an elicitation when it declared them, else words. What the caller had
 * answered to the upstream before travels in the sealed state, so that nothing is asked twice.
 */
export function linkFor(
  seal: StateSeal,
  { call, principal, session }: Asking,
  upstream: Upstream,
  link: OpenLink,
): FaultLink {
  if (call.era === 'legacy') return { ...link, as: acceptsUrls(session?.client.capabilities) ? 'error' : 'words' }
  if (!ASKING_METHODS.has(call.method) || !acceptsUrls(declaredCapabilities(call.params)))
    return { ...link, as: 'words' }
  const { requestState, inputResponses } = call.params
  const connect = {
    ...(upstream.era === 'modern' && typeof requestState === 'string' && { requestState }),
    ...(upstream.era === 'modern' && isRecord(inputResponses) && { inputResponses }),
  }
  const inner = { upstream: upstream.name, connect }
  return { ...link, as: 'input', state: seal.seal(inner, principal, call.method, call.params) }
}

export type OpenLink = Pick<FaultLink, 'id' | 'url' | 'message'>

function acceptsUrls(capabilities: Params | undefined): boolean {
  const elicitation = capabilities?.['elicitation']
  return isRecord(elicitation) && isRecord(elicitation['url'])
}

/**
 * Parameters as they were before the gateway asked the caller something of its own, to connect or to approve; the same
 * when it did not. Throws `state.invalid` for a state of another upstream.
 */
export function beforeConnecting(seal: StateSeal, exchange: Admitted, upstream: string, params: Params): Params {
  const { call, principal } = exchange
  if (params['requestState'] === undefined) return params
  const inner = seal.open(params['requestState'], principal, call.method, call.params)
  const asked = inner.connect ?? inner.approval
  if (asked === undefined) return params
  if (inner.upstream !== upstream) throw new Fault('state.invalid')
  const { requestState: _state, inputResponses: _answers, ...request } = params
  const { requestState, inputResponses } = asked
  return beforeConnecting(seal, exchange, upstream, {
    ...request,
    ...(requestState !== undefined && { requestState }),
    ...(inputResponses !== undefined && { inputResponses }),
  })
}
