/** Decides whether something that is good once has been used before; whoever cannot be told apart does not get in. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { credentialDigest } from './api-key.ts'
import type { ReplayStore } from './replay-store.ts'

/** Resolves with true for the first use. Rejects with `identity.unavailable` when the store does not know. */
export type UseOnce = (space: string, id: readonly string[], until: number) => Promise<boolean>

const PRUNE_MS = 60_000

/** `id` may have several parts, of any length: only its digest is kept. Entries that have been over for a minute are dropped. */
export function onceOnly(store: ReplayStore, clock: Clock): UseOnce {
  let prunedAt = clock.now()
  return async (space, id, until) => {
    try {
      const now = clock.now()
      if (now - prunedAt >= PRUNE_MS) {
        prunedAt = now
        // The clock of another node, which still takes what is over here, may be behind ours.
        await store.prune(now - PRUNE_MS)
      }
      return await store.useOnce(space, credentialDigest(JSON.stringify(id)), until)
    } catch (cause) {
      throw new Fault('identity.unavailable', { reason: 'replay store' }, { cause })
    }
  }
}
