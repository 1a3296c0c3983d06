/** Wrapped data keys in this process. Each verb does its work without waiting, which makes it atomic. */
import type { DataKey, DataKeyStore } from '../../data-protection/data-key-store.ts'

export class MemoryDataKeys implements DataKeyStore {
  readonly #keys = new Map<string, readonly DataKey[]>()

  async add(key: DataKey): Promise<boolean> {
    const known = this.#keys.get(key.tenant) ?? []
    if (known.some(({ version }) => version === key.version)) return false
    this.#keys.set(
      key.tenant,
      [...known, { ...key }].toSorted((a, b) => a.version - b.version),
    )
    return true
  }

  async ofTenant(tenant: string): Promise<readonly DataKey[]> {
    return this.#keys.get(tenant) ?? []
  }

  async tenants(): Promise<readonly string[]> {
    return [...this.#keys.keys()].toSorted()
  }

  async shred(tenant: string): Promise<number> {
    const removed = this.#keys.get(tenant)?.length ?? 0
    this.#keys.delete(tenant)
    return removed
  }
}
