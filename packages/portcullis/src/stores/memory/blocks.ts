/** Blocks in this process: they end with it, as all that it remembers does. */
import type { BlockNews, BlockStore } from '../../traffic/block-store.ts'
import { type Entry, entryName } from '../../traffic/blocks.ts'

export class MemoryBlocks implements BlockStore {
  /** In the order of their sequences: an entry that takes the place of another one goes to the end. */
  readonly #news = new Map<string, BlockNews>()
  #sequence = 0

  async put(entry: Entry, at: number): Promise<number> {
    const { kind, value, tenant, reason, source, untilMs } = entry
    this.#sequence += 1
    this.#news.delete(entryName(entry))
    this.#news.set(entryName(entry), { sequence: this.#sequence, kind, value, tenant, reason, source, untilMs, at })
    return this.#sequence
  }

  async since(sequence: number, maxEntries: number): Promise<readonly BlockNews[]> {
    if (sequence >= this.#sequence) return []
    return [...this.#news.values()].filter((news) => news.sequence > sequence).slice(0, maxEntries)
  }

  async prune(before: number): Promise<number> {
    const had = this.#news.size
    for (const [name, { untilMs }] of this.#news) if (untilMs < before) this.#news.delete(name)
    return had - this.#news.size
  }
}
