/** Hands a caller whose nonce is about to end the next one, with the answer itself (RFC 9449 §8.2). */
import type { Exchange } from '../core/exchange.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'

/**
 * Wrap `identity.nonce`. An answer that has become a stream is on its way already; its caller gets the nonce with the next
 * answer, or by the challenge `use_dpop_nonce`.
 */
export const freshNonce: Wrap<Exchange & Authenticated> = {
  name: 'identity.nonce',
  wrap({ freshNonce: nonce }, next) {
    if (nonce === undefined) return next()
    return next().then((answer) => ({ ...answer, headers: { ...answer.headers, 'DPoP-Nonce': nonce } }))
  },
}
