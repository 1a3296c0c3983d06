/** Revocations in this process: they end with it, as all that it remembers does. */
import type { Revocation, RevocationNews, RevocationStore } from '../../identity/revocation-store.ts'

export class MemoryRevocations implements RevocationStore {
  #news: readonly RevocationNews[] = []
  #sequence = 0

  async revoke(revocation: Revocation): Promise<number> {
    this.#sequence += 1
    this.#news = [...this.#news, { ...revocation, sequence: this.#sequence }]
    return this.#sequence
  }

  async since(sequence: number, maxEntries: number): Promise<readonly RevocationNews[]> {
    return this.#news.filter((news) => news.sequence > sequence).slice(0, maxEntries)
  }

  async prune(now: number): Promise<number> {
    const before = this.#news.length
    const standing = this.#news.filter((news) => news.until > now)
    this.#news = this.#news.filter((news) => news.until > now || standing.some((earlier) => isTakenBack(earlier, news)))
    return before - this.#news.length
  }
}

const isTakenBack = (earlier: RevocationNews, by: RevocationNews): boolean =>
  earlier.sequence < by.sequence && earlier.kind === by.kind && earlier.tenant === by.tenant && earlier.id === by.id
