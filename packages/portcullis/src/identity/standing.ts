/** Ends work under way whose credential was revoked or has expired: a request is admitted once, but a stream may last. */
import type { Cancellation } from '../core/cancellation.ts'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import { Roster } from '../core/roster.ts'
import type { RevocationList } from './revocation.ts'

type Needs = Exchange & Authenticated & { readonly cancellation: Cancellation }

/** Longer delays overflow a timer of Node; what expires later than this is looked at again. */
const MAX_DELAY_MS = 2_147_483_647

/**
 * Wrap `identity.standing`: cancels with `revoked` whatever a revocation covers, at once, and whatever outlives its
 * credential, to the millisecond (MCP: authorization holds for every request; a stream is one request).
 */
export function standing(revocations: Pick<RevocationList, 'onRevoked' | 'covers'>, clock: Clock): Wrap<Needs> {
  const active = new Roster<Needs>()
  revocations.onRevoked(() => {
    const now = clock.now()
    for (const { principal, cancellation } of active.members)
      if (revocations.covers(principal, now)) cancellation.cancel('revoked')
  })
  return {
    name: 'identity.standing',
    async wrap(exchange, next) {
      const seat = active.enter(exchange)
      const timer = expiry(exchange.principal, exchange.cancellation, clock)
      try {
        return await next()
      } finally {
        active.leave(seat)
        clearTimeout(timer)
      }
    },
  }
}

function expiry({ credential }: Principal, cancellation: Cancellation, clock: Clock): NodeJS.Timeout | undefined {
  if (credential.expiresAt === undefined) return undefined
  const leftMs = credential.expiresAt - clock.now()
  if (leftMs > MAX_DELAY_MS) return undefined
  return setTimeout(() => cancellation.cancel('revoked'), Math.max(0, leftMs)).unref()
}
