/** What the authorization server keeps, in this process. Each verb does its work without waiting, which makes it atomic. */
import type { GrantEntry, GrantStore, StoredGrantEntry } from '../../identity/server/grant-store.ts'

export class MemoryGrants implements GrantStore {
  readonly #entries = new Map<string, StoredGrantEntry>()

  async put(entry: GrantEntry): Promise<void> {
    const key = keyOf(entry.kind, entry.digest)
    const { alias, grant, account, consumedAt } = this.#entries.get(key) ?? {}
    this.#entries.set(key, {
      ...(alias !== undefined && { alias }),
      ...(grant !== undefined && { grant }),
      ...(account !== undefined && { account }),
      ...entry,
      ...(consumedAt !== undefined && { consumedAt }),
    })
  }

  async add(entry: GrantEntry): Promise<boolean> {
    const key = keyOf(entry.kind, entry.digest)
    if (this.#entries.has(key)) return false
    this.#entries.set(key, entry)
    return true
  }

  async find(kind: string, digest: string): Promise<StoredGrantEntry | undefined> {
    return this.#entries.get(keyOf(kind, digest))
  }

  async findByAlias(kind: string, alias: string): Promise<StoredGrantEntry | undefined> {
    return [...this.#entries.values()].find((entry) => entry.kind === kind && entry.alias === alias)
  }

  async consume(kind: string, digest: string, at: number): Promise<boolean> {
    const key = keyOf(kind, digest)
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.consumedAt !== undefined) return false
    this.#entries.set(key, { ...entry, consumedAt: at })
    return true
  }

  async remove(kind: string, digest: string): Promise<StoredGrantEntry | undefined> {
    const key = keyOf(kind, digest)
    const entry = this.#entries.get(key)
    this.#entries.delete(key)
    return entry
  }

  async removeGrant(grant: string): Promise<number> {
    return this.#removeWhere((entry) => entry.grant === grant).length
  }

  async removeAccount(account: string): Promise<readonly StoredGrantEntry[]> {
    return this.#removeWhere((entry) => entry.account === account).toSorted(byKindAndDigest)
  }

  async ofAccounts(accounts: readonly string[]): Promise<readonly StoredGrantEntry[]> {
    const wanted = new Set(accounts)
    const own = [...this.#entries].filter(([, { account }]) => account !== undefined && wanted.has(account))
    return own.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  }

  async count(kind: string): Promise<number> {
    return [...this.#entries.values()].filter((entry) => entry.kind === kind).length
  }

  async sweep(now: number): Promise<number> {
    return this.#removeWhere((entry) => entry.expiresAt <= now).length
  }

  #removeWhere(matches: (entry: StoredGrantEntry) => boolean): readonly StoredGrantEntry[] {
    const removed = [...this.#entries].filter(([, entry]) => matches(entry))
    for (const [key] of removed) this.#entries.delete(key)
    return removed.map(([, entry]) => entry)
  }
}

function byKindAndDigest(a: StoredGrantEntry, b: StoredGrantEntry): number {
  return keyOf(a.kind, a.digest) < keyOf(b.kind, b.digest) ? -1 : 1
}

const keyOf = (kind: string, digest: string): string => `${kind}\n${digest}`
