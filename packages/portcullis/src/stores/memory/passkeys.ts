/** Passkeys in this process. Each verb does its work without waiting, which makes it atomic. */
import type { Passkey, PasskeyStore } from '../../identity/server/passkeys/passkey-store.ts'

export class MemoryPasskeys implements PasskeyStore {
  readonly #byId = new Map<string, Passkey>()

  async add(passkey: Passkey, most: number): Promise<boolean> {
    if (this.#byId.has(passkey.id) || this.#of(passkey.account).length >= most) return false
    this.#byId.set(passkey.id, passkey)
    return true
  }

  async find(id: string): Promise<Passkey | undefined> {
    return this.#byId.get(id)
  }

  async ofAccount(account: string): Promise<readonly Passkey[]> {
    return this.#of(account).toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  }

  async use(id: string, counter: number, at: number): Promise<boolean> {
    const passkey = this.#byId.get(id)
    if (passkey === undefined) return false
    if (counter <= passkey.counter && (counter !== 0 || passkey.counter !== 0)) return false
    this.#byId.set(id, { ...passkey, counter, lastUsedAt: at })
    return true
  }

  async remove(account: string, id: string): Promise<boolean> {
    return this.#byId.get(id)?.account === account && this.#byId.delete(id)
  }

  async removeAccount(account: string): Promise<number> {
    return this.#of(account).filter(({ id }) => this.#byId.delete(id)).length
  }

  #of(account: string): readonly Passkey[] {
    return [...this.#byId.values()].filter((passkey) => passkey.account === account)
  }
}
