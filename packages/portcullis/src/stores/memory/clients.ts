/** OAuth clients in this process. Each verb does its work without waiting, which makes it atomic. */
import type { ClientChange, ClientStore, OAuthClient } from '../../identity/server/client-store.ts'

export class MemoryClients implements ClientStore {
  readonly #byId = new Map<string, OAuthClient>()

  async insert(client: OAuthClient): Promise<boolean> {
    if (this.#byId.has(client.id)) return false
    this.#byId.set(client.id, client)
    return true
  }

  async find(id: string): Promise<OAuthClient | undefined> {
    return this.#byId.get(id)
  }

  async list(tenant: string): Promise<readonly OAuthClient[]> {
    const clients = [...this.#byId.values()].filter((client) => client.tenant === tenant)
    return clients.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  }

  async update(tenant: string, id: string, change: ClientChange): Promise<boolean> {
    const client = this.#byId.get(id)
    if (client === undefined || client.tenant !== tenant) return false
    const { secretDigest = client.secretDigest, disabledAt = client.disabledAt } = change
    const { secretDigest: _digest, disabledAt: _disabledAt, ...rest } = client
    this.#byId.set(id, {
      ...rest,
      ...(secretDigest !== undefined && { secretDigest }),
      ...(typeof disabledAt === 'number' && { disabledAt }),
    })
    return true
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return this.#byId.get(id)?.tenant === tenant && this.#byId.delete(id)
  }

  async countRegistered(): Promise<number> {
    return [...this.#byId.values()].filter(({ origin }) => origin === 'registration').length
  }
}
