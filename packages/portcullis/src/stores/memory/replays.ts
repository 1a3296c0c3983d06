/** What was used once, in this process. It never forgets early: what does not fit any more is refused. */
import type { ReplayStore } from '../../identity/replay-store.ts'

/** About 100 MB; above that somebody floods us with good proofs, and to forget one would be to accept it again. */
const MAX_ENTRIES = 1_000_000

export class MemoryReplays implements ReplayStore {
  readonly #used = new Map<string, number>()
  readonly #maxEntries: number

  constructor(maxEntries: number = MAX_ENTRIES) {
    this.#maxEntries = maxEntries
  }

  async useOnce(space: string, id: string, until: number): Promise<boolean> {
    const key = `${space}\n${id}`
    if (this.#used.has(key)) return false
    if (this.#used.size >= this.#maxEntries) throw new Error('the replay store is full')
    this.#used.set(key, until)
    return true
  }

  async prune(now: number): Promise<number> {
    const before = this.#used.size
    for (const [key, until] of this.#used) if (until <= now) this.#used.delete(key)
    return before - this.#used.size
  }
}
