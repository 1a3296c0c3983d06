/** Sealed credentials for upstreams in this process. Each verb does its work without waiting, which makes it atomic. */
import type { CredentialStore, VaultEntry, VaultName } from '../../data-protection/vault/credential-store.ts'

export class MemoryCredentials implements CredentialStore {
  readonly #entries = new Map<string, VaultEntry>()

  async find(name: VaultName): Promise<VaultEntry | undefined> {
    return this.#entries.get(keyOf(name))
  }

  async put(entry: VaultEntry): Promise<void> {
    this.#entries.set(keyOf(entry), { ...entry })
  }

  async replace(entry: VaultEntry, revision: string): Promise<boolean> {
    if (this.#entries.get(keyOf(entry))?.revision !== revision) return false
    this.#entries.set(keyOf(entry), { ...entry })
    return true
  }

  async remove(name: VaultName, revision?: string): Promise<boolean> {
    const known = this.#entries.get(keyOf(name))
    if (known === undefined || (revision !== undefined && known.revision !== revision)) return false
    return this.#entries.delete(keyOf(name))
  }

  async list(tenant: string): Promise<readonly VaultEntry[]> {
    const found = [...this.#entries].filter(([, entry]) => entry.tenant === tenant)
    return found.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  }

  async removeAll(tenant: string, principal?: string): Promise<number> {
    const found = (await this.list(tenant)).filter((entry) => principal === undefined || entry.principal === principal)
    for (const entry of found) this.#entries.delete(keyOf(entry))
    return found.length
  }
}

const keyOf = ({ tenant, upstream, principal, kind }: VaultName): string =>
  JSON.stringify([tenant, upstream, principal ?? '', kind])
