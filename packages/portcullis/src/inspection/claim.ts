/** Decides on whose account slow work is done, and when nobody wants it any more. */
import type { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import type { Principal } from '../core/principal.ts'

export interface Claim {
  /** Work of one key waits for work of the same key; different keys take turns. */
  readonly key: string
  /** Fires when the caller has left or run out of time. */
  readonly cancellation?: Pick<Cancellation, 'cancelled' | 'reason' | 'onCancel'>
}

/** What an exchange knows of that; nothing where nobody in particular has asked. */
export interface Claimed {
  readonly principal?: Pick<Principal, 'id' | 'tenant'>
  readonly cancellation?: Cancellation
}

export function claimOf({ principal, cancellation }: Claimed): Claim {
  const key = principal === undefined ? '' : `${principal.tenant}\n${principal.id}`
  return { key, ...(cancellation && { cancellation }) }
}

/** Throws `upstream.ended` when nobody wants the work any more. */
export function requireWanted({ cancellation }: Claim): void {
  if (cancellation?.cancelled === true) throw new Fault('upstream.ended', { reason: cancellation.reason })
}
