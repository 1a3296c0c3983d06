/** Links to outside providers in this process. Each verb does its work without waiting, which makes it atomic. */
import type { AccountLink, AccountLinkStore } from '../../identity/server/providers/account-link-store.ts'

export class MemoryAccountLinks implements AccountLinkStore {
  readonly #links = new Map<string, AccountLink>()

  async add(link: AccountLink): Promise<boolean> {
    const key = keyOf(link.issuer, link.subject)
    if (this.#links.has(key)) return false
    this.#links.set(key, link)
    return true
  }

  async find(issuer: string, subject: string): Promise<AccountLink | undefined> {
    return this.#links.get(keyOf(issuer, subject))
  }

  async ofAccount(account: string): Promise<readonly AccountLink[]> {
    const links = [...this.#links.values()].filter((link) => link.account === account)
    return links.toSorted(
      (a, b) => a.createdAt - b.createdAt || (keyOf(a.issuer, a.subject) < keyOf(b.issuer, b.subject) ? -1 : 1),
    )
  }

  async remove(account: string, issuer: string, subject: string): Promise<boolean> {
    const key = keyOf(issuer, subject)
    return this.#links.get(key)?.account === account && this.#links.delete(key)
  }

  async removeAccount(account: string): Promise<number> {
    const own = [...this.#links].filter(([, link]) => link.account === account)
    return own.filter(([key]) => this.#links.delete(key)).length
  }
}

const keyOf = (issuer: string, subject: string): string => JSON.stringify([issuer, subject])
