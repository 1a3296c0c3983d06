/** API keys in this process. Each verb does its work without waiting, which makes it atomic. */
import type { ApiKey, ApiKeyStore, ApiKeySuccessor, NewApiKey } from '../../identity/api-key-store.ts'

export class MemoryApiKeys implements ApiKeyStore {
  readonly #byId = new Map<string, ApiKey>()
  readonly #idByDigest = new Map<string, string>()

  async insert(key: NewApiKey): Promise<void> {
    this.#add(key)
  }

  async findByDigest(digest: string): Promise<ApiKey | undefined> {
    const id = this.#idByDigest.get(digest)
    return id === undefined ? undefined : this.#byId.get(id)
  }

  async revoke(tenant: string, id: string, at: number): Promise<boolean> {
    const key = this.#byId.get(id)
    if (key === undefined || key.tenant !== tenant || key.revokedAt !== undefined) return false
    this.#byId.set(id, { ...key, revokedAt: at })
    return true
  }

  async replace(tenant: string, id: string, successor: ApiKeySuccessor): Promise<ApiKey | undefined> {
    const old = this.#byId.get(id)
    if (old === undefined || old.tenant !== tenant || !isReplaceable(old, successor.createdAt)) return undefined
    const { revokedAt: _revoked, lastUsedAt: _used, replacedBy: _replaced, expiresAt: _expires, ...kept } = old
    const expiresAt = successor.expiresAt ?? renewed(old, successor.createdAt)
    const { id: newId, digest, createdAt, predecessorEndsAt } = successor
    const key = { ...kept, id: newId, createdAt, ...(expiresAt !== undefined && { expiresAt }) }
    this.#add({ ...key, digest })
    const endsAt = Math.min(old.expiresAt ?? predecessorEndsAt, predecessorEndsAt)
    this.#byId.set(id, { ...old, replacedBy: newId, expiresAt: endsAt })
    return key
  }

  async list(tenant: string): Promise<readonly ApiKey[]> {
    const keys = [...this.#byId.values()].filter((key) => key.tenant === tenant)
    return keys.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  }

  async touch(lastUses: ReadonlyMap<string, number>): Promise<void> {
    for (const [id, at] of lastUses) {
      const key = this.#byId.get(id)
      if (key !== undefined && at > (key.lastUsedAt ?? 0)) this.#byId.set(id, { ...key, lastUsedAt: at })
    }
  }

  #add({ digest, ...key }: NewApiKey): void {
    if (this.#byId.has(key.id) || this.#idByDigest.has(digest)) throw new Error('the API key exists')
    this.#byId.set(key.id, structuredClone(key))
    this.#idByDigest.set(digest, key.id)
  }
}

function isReplaceable(key: ApiKey, now: number): boolean {
  return (
    key.revokedAt === undefined && key.replacedBy === undefined && (key.expiresAt ?? Number.POSITIVE_INFINITY) > now
  )
}

function renewed(key: ApiKey, now: number): number | undefined {
  return key.expiresAt === undefined ? undefined : now + (key.expiresAt - key.createdAt)
}
