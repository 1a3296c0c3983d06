/** The port to where data keys lie, wrapped by the key of their tenant. A backup may hold them; see `tenant-key-store.ts`. */
import type { WrappedKey } from './key-encryption.ts'

/** `wrappedBy` is the id of the tenant key. */
export interface DataKey extends WrappedKey {
  readonly tenant: string
  /** Counts from 1 within the tenant; the highest seals. */
  readonly version: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

/** All verbs are atomic, whoever else uses the store. */
export interface DataKeyStore {
  /** Adds a version. False when the tenant has it already: somebody else was faster. */
  add(key: DataKey): Promise<boolean>
  /** By version, the oldest first. */
  ofTenant(tenant: string): Promise<readonly DataKey[]>
  tenants(): Promise<readonly string[]>
  /** Removes every key of a tenant and returns how many there were. What they sealed can never be opened again. */
  shred(tenant: string): Promise<number>
}
