/** One node's copy of the dynamic blocks, kept up with the store that all nodes share. */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { News } from '../core/news.ts'
import type { BlockNews, BlockStore } from './block-store.ts'
import { type BlockKind, type Blocks, type Entry, entryName, FOR_EVER_MS, type NewBlock } from './blocks.ts'
import { checkedValue } from './entry-value.ts'
import { networkWords, parseNetwork } from './network.ts'
import { NetworkMap } from './network-map.ts'

export interface BlockListParts {
  readonly store: BlockStore
  readonly clock: Clock
  /** How often the store is asked for news; at most 1000, because a block holds on every node within a second. */
  readonly pollMs: number
  /** Told about each failed question to the store. */
  readonly onProblem: (error: unknown) => void
}

/** A block with when it was made, milliseconds since the epoch. */
export type StandingBlock = Entry & { readonly at: number }

/** A node that has not asked for so long has started anew meanwhile. */
const KEPT_MS = 3_600_000
/** More would be a flood of its own: a detector that is made to block everybody must not fill memory and store. */
const MAX_BLOCKS = 200_000
/** The administrators of one tenant must not use up what all others, and the detectors, need. */
const MAX_BLOCKS_OF_TENANT = 10_000

/** It is current only between `start()` and `close()`. */
export class BlockList implements Blocks {
  readonly #parts: BlockListParts
  readonly #news: News<BlockNews>
  readonly #entries = new Map<string, StandingBlock>()
  readonly #countOf = new Map<string, number>()
  readonly #networks = new NetworkMap<StandingBlock>()
  readonly #listeners = new Set<() => void>()

  /** Throws a RangeError when the interval cannot keep the promise of one second. */
  constructor(parts: BlockListParts) {
    this.#parts = parts
    this.#news = new News({
      ...{ ...parts, source: parts.store },
      take: (blocks, askedAt) => this.#apply(blocks, askedAt),
      prune: (now) => this.#prune(now),
    })
  }

  /** Reads what is there and keeps asking. Rejects when the store cannot be read: that is a start-up error. */
  start(): Promise<void> {
    return this.#news.start()
  }

  /** As of `News`; a driver that is told of news calls it. */
  refresh(isAnew = false): Promise<void> {
    return this.#news.refresh(isAnew)
  }

  async block({ tenant = '', untilMs = FOR_EVER_MS, ...wanted }: NewBlock): Promise<void> {
    const entry = { ...wanted, tenant, untilMs, value: checkedValue(wanted.kind, wanted.value, tenant) }
    const at = this.#parts.clock.now()
    const isTooMuch =
      this.#entries.size >= MAX_BLOCKS || (tenant !== '' && (this.#countOf.get(tenant) ?? 0) >= MAX_BLOCKS_OF_TENANT)
    if (isTooMuch && !this.#entries.has(entryName(entry)))
      throw new Fault('administration.conflict', { blocks: this.#entries.size }, { says: 'There are too many blocks.' })
    this.#apply([{ ...entry, at }], at)
    await this.#parts.store.put(entry, at)
  }

  /** Holds everywhere within a second of when it resolves; false when there was none of that name. */
  async remove(kind: BlockKind, tenant: string, value: string): Promise<boolean> {
    const known = this.#entries.get(entryName({ kind, tenant, value: checkedValue(kind, value, tenant) }))
    if (known === undefined) return false
    const { at: _made, ...entry } = known
    const at = this.#parts.clock.now()
    // A block outlives a store that fails, so it is forgotten here last.
    await this.#parts.store.put({ ...entry, untilMs: at }, at)
    this.#apply([{ ...entry, untilMs: at, at }], at)
    return true
  }

  /** What is in force now, in no order. */
  list(now: number): readonly StandingBlock[] {
    return [...this.#entries.values()].filter(({ untilMs }) => untilMs > now)
  }

  get size(): number {
    return this.#entries.size
  }

  address(words: readonly number[], now: number): Entry | undefined {
    return this.#networks.find(words, ({ untilMs }) => untilMs > now)
  }

  name(kind: BlockKind, tenant: string, value: string, now: number): Entry | undefined {
    if (this.#entries.size === 0) return undefined
    const entry = this.#entries.get(entryName({ kind, tenant, value }))
    return entry !== undefined && entry.untilMs > now ? entry : undefined
  }

  /** Calls the listener when something was blocked. Returns a function that forgets it. It must not throw. */
  onBlocked(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#news.close()
    this.#listeners.clear()
  }

  async #prune(now: number): Promise<void> {
    for (const entry of this.#entries.values()) if (entry.untilMs <= now) this.#forget(entry)
    await this.#parts.store.prune(now - KEPT_MS)
  }

  /** In the order of the store, which has the last word: what was done here meanwhile comes back from it as news. */
  #apply(news: readonly (StandingBlock | BlockNews)[], now: number): void {
    let isBlocked = false
    for (const { kind, value, tenant, reason, source, untilMs, at } of news) {
      const entry: StandingBlock = { kind, value, tenant, reason, source, untilMs, at }
      if (untilMs <= now || untilMs <= at) {
        this.#forget(entry)
        continue
      }
      this.#keep(entry)
      isBlocked = true
    }
    if (isBlocked) for (const listener of this.#listeners) listener()
  }

  #keep(entry: StandingBlock): void {
    if (!this.#entries.has(entryName(entry))) this.#count(entry.tenant, 1)
    this.#entries.set(entryName(entry), entry)
    if (entry.kind !== 'address') return
    const network = parseNetwork(entry.value)
    this.#networks.set(networkWords(network), network.prefix, entry)
  }

  #count(tenant: string, change: 1 | -1): void {
    const count = (this.#countOf.get(tenant) ?? 0) + change
    if (count > 0) this.#countOf.set(tenant, count)
    else this.#countOf.delete(tenant)
  }

  #forget(entry: Entry): void {
    if (this.#entries.delete(entryName(entry))) this.#count(entry.tenant, -1)
    if (entry.kind !== 'address') return
    const network = parseNetwork(entry.value)
    this.#networks.delete(networkWords(network), network.prefix)
  }
}
