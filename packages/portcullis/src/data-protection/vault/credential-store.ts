/** The port to where credentials for upstreams lie. It sees sealed values only. */

/** `static`: a secret that an operator deposited. `oauth`: a grant with its tokens. `client`: what we are at an authorization server. */
export type VaultKind = 'static' | 'oauth' | 'client'

/** Names one credential. Without a principal it is the tenant's own, which all of its principals share. */
export interface VaultName {
  readonly tenant: string
  readonly upstream: string
  readonly principal?: string
  readonly kind: VaultKind
}

export interface VaultEntry extends VaultName {
  readonly sealed: string
  /** Changes with every change; who saves must have read the one that is there. */
  readonly revision: string
  /** Milliseconds since the epoch. */
  readonly updatedAt: number
}

/** All verbs are atomic, whoever else uses the store. */
export interface CredentialStore {
  find(name: VaultName): Promise<VaultEntry | undefined>
  /** Puts an entry in the place of whatever was there. */
  put(entry: VaultEntry): Promise<void>
  /** Puts an entry in the place of the one with that revision. False when another one is there, or none. */
  replace(entry: VaultEntry, revision: string): Promise<boolean>
  /** Says whether there was one. With a revision only that one is removed. */
  remove(name: VaultName, revision?: string): Promise<boolean>
  /** All of a tenant, by upstream, principal and kind. */
  list(tenant: string): Promise<readonly VaultEntry[]>
  /** Removes all of a tenant, or of one of its principals. Returns how many there were. */
  removeAll(tenant: string, principal?: string): Promise<number>
}
