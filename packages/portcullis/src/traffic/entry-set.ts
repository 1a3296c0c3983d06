/** Entries that are known together, such as those of one file: never changed, replaced as a whole. */
import { NAME_SEPARATOR } from '../mcp/naming.ts'
import { type BlockKind, type Entry, entryName } from './blocks.ts'
import { networkWords, parseNetwork } from './network.ts'
import { NetworkTable } from './network-table.ts'

/** What of an entry is told when it matches. Entries of one file share it. */
export type Note = Pick<Entry, 'reason' | 'source' | 'untilMs'>

export class EntrySet {
  readonly #names = new Map<string, Note>()
  readonly #networks = { 1: new NetworkTable<Note>(1), 4: new NetworkTable<Note>(4) }
  /** Of which kinds and tenants there are any, expired ones included: an allow list whose last entry expired is no open door. */
  readonly #has = new Set<string>()

  /** Entries with the same reason, source and end should share one `note`. Throws TypeError for an address that is none. */
  add({ kind, tenant, value }: Pick<Entry, 'kind' | 'tenant' | 'value'>, note: Note): void {
    this.#has.add(`${kind}\n${tenant}`)
    if (kind === 'tool') this.#has.add(`of\n${tenant}\n${value.slice(0, value.indexOf(NAME_SEPARATOR))}`)
    if (kind !== 'address') {
      this.#names.set(entryName({ kind, tenant, value }), note)
      return
    }
    const network = parseNetwork(value)
    const words = networkWords(network)
    this.#networks[words.length as 1 | 4].add(words, network.prefix, note)
  }

  /** To be gone through once after the last entry; each step takes some milliseconds at most. */
  *finish(): Generator<void> {
    yield* this.#networks[1].sort()
    yield* this.#networks[4].sort()
  }

  get size(): number {
    return this.#names.size + this.#networks[1].size + this.#networks[4].size
  }

  has(kind: BlockKind, tenant: string): boolean {
    return this.#has.size > 0 && this.#has.has(`${kind}\n${tenant}`)
  }

  /** Whether a tool of the upstream is listed for exactly this tenant. */
  hasToolOf(upstream: string, tenant: string): boolean {
    return this.#has.has(`of\n${tenant}\n${upstream}`)
  }

  address(words: readonly number[], now: number): Note | undefined {
    return this.#networks[words.length as 1 | 4].find(words, (note) => note.untilMs > now)
  }

  name(kind: BlockKind, tenant: string, value: string, now: number): Note | undefined {
    if (!this.has(kind, tenant)) return undefined
    const note = this.#names.get(entryName({ kind, tenant, value }))
    return note !== undefined && note.untilMs > now ? note : undefined
  }
}

/** The set of a few entries, at once. Throws TypeError for an address that is none. */
export function entrySet(entries: readonly Entry[]): EntrySet {
  const set = new EntrySet()
  for (const { reason, source, untilMs, ...entry } of entries) set.add(entry, { reason, source, untilMs })
  const steps = set.finish()
  while (steps.next().done !== true);
  return set
}
