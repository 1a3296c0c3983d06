/** Wrapped tenant keys in this process. Each verb does its work without waiting, which makes it atomic. */
import type { WrappedKey } from '../../data-protection/key-encryption.ts'
import type { TenantKey, TenantKeyStore } from '../../data-protection/tenant-key-store.ts'

export class MemoryTenantKeys implements TenantKeyStore {
  readonly #keys = new Map<string, TenantKey>()

  async add(key: TenantKey): Promise<boolean> {
    if (this.#keys.has(key.tenant)) return false
    this.#keys.set(key.tenant, { ...key })
    return true
  }

  async find(tenant: string): Promise<TenantKey | undefined> {
    return this.#keys.get(tenant)
  }

  async list(): Promise<readonly TenantKey[]> {
    return [...this.#keys.values()].toSorted((a, b) => (a.tenant < b.tenant ? -1 : 1))
  }

  async rewrap(old: TenantKey, now: WrappedKey): Promise<boolean> {
    const known = this.#keys.get(old.tenant)
    if (known?.wrapped !== old.wrapped || known.id !== old.id) return false
    this.#keys.set(old.tenant, { ...known, ...now })
    return true
  }

  async shred(tenant: string): Promise<boolean> {
    return this.#keys.delete(tenant)
  }
}
