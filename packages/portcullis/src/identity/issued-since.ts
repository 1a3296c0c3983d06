/** Decides which tokens are too old to be believed, whatever their issuer says of their end. */
import { Fault } from '../core/fault.ts'
import type { VerifyToken } from './jwt.ts'

/**
 * Refuses tokens that were issued before `sinceMs` (milliseconds since the epoch), and those that do not say when. A token tells
 * whole seconds, so one of the very second is refused too. Throws `identity.revoked`.
 */
export const issuedSince =
  (verify: VerifyToken, sinceMs: number): VerifyToken =>
  async (token) => {
    const verified = await verify(token)
    if (verified.issuedAt !== undefined && verified.issuedAt >= sinceMs) return verified
    const { id } = verified.facts.principal
    throw new Fault('identity.revoked', { principal: id, reason: 'issued before the gateway was restored' })
  }
