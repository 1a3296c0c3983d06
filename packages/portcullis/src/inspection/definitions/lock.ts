/** What a lock says: of each upstream what was approved, what waits for that, and who signed. */
import type { ArgumentRoles } from '../role.ts'
import { digestOfFields, type Item } from './item.ts'
import { type ItemKey, partsOf } from './kind.ts'
import type { Fields } from './fields.ts'

export interface Approval {
  readonly item: Item
  /** Who approved it, in words. */
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** What the arguments of a tool mean, see `propose-roles.ts`. */
  readonly roles?: ArgumentRoles
  /** Of a server, when it was approved. A newer one is told, and is no other server. */
  readonly version?: string
}

/** What an upstream says and nobody has approved; `gone` for what it says no more. */
export type Waiting = Pick<Approval, 'item' | 'roles' | 'version'> | { readonly gone: true }

export interface LockedUpstream {
  readonly approved: ReadonlyMap<ItemKey, Approval>
  /** Not signed: nothing of it is in force. */
  readonly waiting: ReadonlyMap<ItemKey, Waiting>
}

export interface LockSignature {
  /** `ed25519:` and the raw public key in base64url. */
  readonly key: string
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** Base64url. */
  readonly signature: string
}

export interface Lock {
  readonly upstreams: ReadonlyMap<string, LockedUpstream>
  readonly signatures: readonly LockSignature[]
}

export const EMPTY_LOCK: Lock = { upstreams: new Map(), signatures: [] }
export const EMPTY_UPSTREAM: LockedUpstream = { approved: new Map(), waiting: new Map() }

/** Something is wrong with a lock. Nothing of it counts then. */
export class LockError extends Error {
  override readonly name = 'LockError'
}

/** An item as it was written down. Throws LockError when the digest is not that of the fields beside it. */
export function recordedItem(key: ItemKey, fields: Fields, digest: string): Item {
  const parts = partsOf(key)
  if (parts === undefined) throw new LockError(`${JSON.stringify(key)} names no definition`)
  const item = { ...parts, fields, digest: digestOfFields({ ...parts, fields }) }
  if (item.digest !== digest)
    throw new LockError(`${JSON.stringify(key)}: the fields do not have the digest beside them`)
  return item
}
