/** Whether a definition may be offered: by what was approved, and by how much its upstream is trusted. */
import type { Item } from './item.ts'
import type { Approval } from './lock.ts'

/** See `upstreams.<name>.trust`. */
export type Trust = 'untrusted' | 'reviewed' | 'trusted'

/**
 * - `new`: nobody has approved anything of this name.
 * - `changed`: what was approved under this name was something else.
 * - `another-server`: the server says that it is another one, so nothing that was approved is about it.
 */
export type HeldWhy = 'new' | 'changed' | 'another-server'

export type Standing =
  /** What was approved, or says nothing. */
  | { readonly state: 'offered' }
  /** Offered because of the level of trust, and to be remembered: it is new, or no longer what it was. */
  | { readonly state: 'believed'; readonly before?: Pick<Approval, 'item'> }
  | { readonly state: 'held'; readonly why: HeldWhy; readonly before?: Pick<Approval, 'item'> }

export interface StandingFacts {
  readonly trust: Trust
  /** From the lock, or where that knows nothing of the upstream, from its first use. */
  readonly before: Pick<Approval, 'item'> | undefined
  /** Whether the upstream is asked for this kind for the first time, and the lock knows nothing of it. */
  readonly isFirstUse: boolean
  /** Asked only where it decides: whether heuristics find nothing. */
  readonly isClean: () => boolean
}

/**
 * | trust     | first use              | something new later | a change             |
 * |-----------|------------------------|---------------------|----------------------|
 * | untrusted | waits                  | waits               | waits                |
 * | reviewed  | believed when clean    | waits               | waits                |
 * | trusted   | believed               | believed            | believed, on record  |
 */
export function standingOf(item: Item, { trust, before, isFirstUse, isClean }: StandingFacts): Standing {
  if (before?.item.digest === item.digest || isSilent(item)) return { state: 'offered' }
  if (trust === 'trusted') return { state: 'believed', ...(before && { before }) }
  if (before !== undefined) return { state: 'held', why: 'changed', before }
  if (trust === 'reviewed' && isFirstUse && isClean()) return { state: 'believed' }
  return { state: 'held', why: 'new' }
}

/** Nobody can be misled by instructions that are not there. */
const isSilent = ({ kind, fields }: Item): boolean => kind === 'instructions' && fields.get('/text') === ''
