/** The port behind API keys: what a store has to decide atomically. Instants are whole milliseconds since the Unix epoch. */

/** What is known of a key. Neither the key nor its digest is in it, so it can be shown. */
export interface ApiKey {
  readonly id: string
  readonly tenant: string
  /** Id of the principal. A successor keeps it, so that sessions and quotas survive a rotation. */
  readonly principal: string
  readonly name: string
  readonly roles: readonly string[]
  /** Upstreams that the key is limited to; absent when it is not limited. */
  readonly upstreams?: readonly string[]
  readonly createdAt: number
  /** The earlier of its own expiry and the end of the overlap with its successor. */
  readonly expiresAt?: number
  readonly revokedAt?: number
  /** Written in batches: may be behind by the batch interval. */
  readonly lastUsedAt?: number
  /** Id of the key that takes this one's place. */
  readonly replacedBy?: string
}

/** What `insert` needs. */
export interface NewApiKey extends Omit<ApiKey, 'revokedAt' | 'lastUsedAt' | 'replacedBy'> {
  readonly digest: string
}

/** What `replace` needs; tenant, principal, name, roles and upstreams are those of the predecessor at that instant. */
export interface ApiKeySuccessor {
  readonly id: string
  readonly digest: string
  readonly createdAt: number
  /** Absent: the predecessor's lifetime, counted anew; none if it had none. */
  readonly expiresAt?: number
  /** When the predecessor stops working. */
  readonly predecessorEndsAt: number
}

/** Every verb rejects when the store cannot answer. None of them is ever answered from a guess. */
export interface ApiKeyStore {
  /** Durable when it resolves. Rejects when the id or the digest exists. */
  insert(key: NewApiKey): Promise<void>
  /** Revoked and expired keys are found too: the caller refuses them, and the audit record says which it was. */
  findByDigest(digest: string): Promise<ApiKey | undefined>
  /** True for exactly one of any number of callers; false when the tenant has no such key or it is revoked already. */
  revoke(tenant: string, id: string, at: number): Promise<boolean>
  /**
   * Gives the key a successor, in one step. Resolves with it for exactly one of any number of callers; with nothing when
   * the tenant has no such key, or the key is revoked, expired at `successor.createdAt`, or replaced already.
   */
  replace(tenant: string, id: string, successor: ApiKeySuccessor): Promise<ApiKey | undefined>
  /** All keys of the tenant, oldest first. */
  list(tenant: string): Promise<readonly ApiKey[]>
  /** Moves `lastUsedAt` forward, never back. Unknown ids are ignored. */
  touch(lastUses: ReadonlyMap<string, number>): Promise<void>
}
