/**
 * The port to where tenant keys lie, wrapped by the key-encryption key. Each wraps the data keys of one tenant.
 *
 * NEVER in a backup: neither this store (`tenant-keys.sqlite` of the state folder, with its journal), nor its copy
 * (`dataProtection.tenantKeys.copy`), nor the key-encryption keys (`vault.keys`). A backup holds data keys and what they
 * sealed; without the tenant key that is unreadable, and to destroy that one small record is to destroy every copy. Whoever
 * puts it into a backup makes a tenant that was shredded readable again.
 */
import type { WrappedKey } from './key-encryption.ts'

export interface TenantKey extends WrappedKey {
  readonly tenant: string
  /** Never used twice. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** All verbs are atomic, whoever else uses the store. */
export interface TenantKeyStore {
  /** False when the tenant has a key already: somebody else was faster. */
  add(key: TenantKey): Promise<boolean>
  find(tenant: string): Promise<TenantKey | undefined>
  /** By tenant. */
  list(): Promise<readonly TenantKey[]>
  /** Puts the same key, wrapped anew, in place of `old`. False when that is not there any more. */
  rewrap(old: TenantKey, now: WrappedKey): Promise<boolean>
  /** Says whether there was one. When it resolves, no trace of the key is left in what the store can overwrite. */
  shred(tenant: string): Promise<boolean>
}
