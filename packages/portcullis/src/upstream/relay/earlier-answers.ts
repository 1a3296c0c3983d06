/** Decides what an upstream gets of what its caller has answered: masked, and still an answer to the form that was asked. */
import type { Forms } from '../../mcp/forms.ts'
import type { Params } from '../../mcp/message.ts'
import type { Upstream } from '../upstream.ts'
import { beforeConnecting } from './connect-state.ts'
import type { Admitted, RelayParts, SentBy } from './parts.ts'
import { upstreamParams } from './upstream-params.ts'

/** A request as it was before the gateway asked something of its own, to connect or to approve. */
export interface Told {
  readonly params: Params
  /** As the caller sent them. */
  readonly answers: unknown
  /** They were sealed as they came, so that no stage of this message has masked them. */
  readonly wereSealed: boolean
}

/** Throws `state.invalid` for a state of another upstream. */
export function toldBy(parts: Pick<RelayParts, 'seal'>, exchange: Admitted, upstream: Upstream): Told {
  const sent = upstreamParams(exchange)
  const params = beforeConnecting(parts.seal, exchange, upstream.name, sent)
  const wereSealed = params !== sent
  const answers = wereSealed ? params['inputResponses'] : exchange.call.params['inputResponses']
  return { params, answers, wereSealed }
}

/**
 * The parameters with answers as the upstream may have them, at once when there is nothing to mask. Rejects with
 * `masking.arguments_refused` for what fits no form.
 */
export function withAnswers(
  { protect }: Pick<RelayParts, 'protect'>,
  exchange: Admitted,
  upstream: Upstream,
  { params, answers, wereSealed }: Told,
  forms: Forms | undefined,
): Params | Promise<Params> {
  if (protect === undefined || answers === undefined || (!wereSealed && forms === undefined)) return params
  const masked = protect.params('', { inputResponses: answers }, senderOf(exchange, upstream), forms)
  return masked.then((safe) => ({ ...params, ...safe }))
}

export const senderOf = ({ principal, tool }: Admitted, { name }: Upstream): SentBy => ({
  principal,
  upstream: name,
  tool: tool?.name ?? '',
})
