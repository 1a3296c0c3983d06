import type { Clock } from '../core/clock.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { readToolList, type ToolList, type ToolListLimits, type ToolPage } from './tool-list.ts'

export interface CatalogueOptions extends ToolListLimits {
  /** Name of the upstream, for its definitions. */
  readonly upstream: string
  readonly page: ToolPage
  readonly clock: Clock
  /** After which a look at the list has it fetched again in the background. */
  readonly ttlSeconds: number
  /** After which a list that could not be fetched again counts for nothing. */
  readonly maxStaleSeconds: number
  /** Between two fetches that an unknown name or a notification may cause. */
  readonly minRefreshSeconds: number
  /** Says which of the tools that were told may not be offered. Default: none. Asked again by `rejudge`. */
  readonly hold?: (told: readonly ToolDefinition[]) => ReadonlySet<string>
}

/** What a fetch or a judgement changed of what is offered, by tool name. */
export interface CatalogueChange {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

type Listener = (change: CatalogueChange) => void

/**
 * The tools of one upstream as the gateway knows them, kept fresh without holding up a call. What is held back is known,
 * in the form in which it was last offered where there is one, but neither listed nor found by `get`.
 */
export class Catalogue {
  readonly #options: CatalogueOptions
  readonly #listeners = new Set<Listener>()
  #list: ToolList | undefined
  #held: ReadonlySet<string> = new Set()
  #offered: Tools = new Map()
  #lastOffered: Tools = new Map()
  #known: Tools = new Map()
  #tools: readonly ToolDefinition[] = []
  #revision = 0
  #fetchedAt = 0
  #triedAt = 0
  #fetching: Promise<void> | undefined
  #refreshing: Promise<void> | undefined

  constructor(options: CatalogueOptions) {
    this.#options = options
  }

  /** An offered tool by the upstream's own name; undefined when it is unknown or held back, or the list is too old. */
  get(name: string): ToolDefinition | undefined {
    return this.#fresh() === undefined ? undefined : this.#offered.get(name)
  }

  /** As `get`, but what is held back as well: for policies, and to say of a call what became of its tool. */
  known(name: string): ToolDefinition | undefined {
    return this.#fresh() === undefined ? undefined : this.#known.get(name)
  }

  /** All that `known` would find. */
  everything(): readonly ToolDefinition[] {
    return this.#fresh() === undefined ? [] : [...this.#known.values()]
  }

  isHeld(name: string): boolean {
    return this.#held.has(name)
  }

  /** All offered tools in the upstream's order; none before the first fetch or when the list is too old. */
  list(): readonly ToolDefinition[] {
    return this.#fresh() === undefined ? [] : this.#tools
  }

  /** Resolves when there is a list to read, fetched first if need be. Throws the faults of the upstream. */
  async ready(): Promise<void> {
    if (this.#fresh() === undefined) await this.#fetch()
  }

  /** Another number after each fetch that changed something; 0 before the first one. */
  get revision(): number {
    return this.#revision
  }

  /** Why tools were left out of the list. */
  get problems(): readonly string[] {
    return this.#list?.problems ?? []
  }

  /** Looks a tool up as `known` and, when it is unknown, asks the upstream again, but not too often. Throws its faults. */
  async find(name: string): Promise<ToolDefinition | undefined> {
    const known = this.known(name)
    if (known !== undefined) return known
    if (this.#fresh() === undefined || this.#fetching !== undefined || this.#mayFetch()) await this.#fetch()
    return this.known(name)
  }

  /** Has the list fetched again soon, after the upstream said that it changed. Never throws. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshSoon().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** A fetch that was under way may have read the list before it changed, so it does not count. */
  async #refreshSoon(): Promise<void> {
    await this.#fetching?.catch(() => {})
    const waitMs = this.#triedAt + this.#options.minRefreshSeconds * 1_000 - this.#options.clock.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
    await this.#fetch().catch(() => {})
  }

  /** Calls `listener` after each fetch that changed something. Returns a function that forgets it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The list unless it is too old. One that is only old is fetched again in the background. */
  #fresh(): ToolList | undefined {
    if (this.#list === undefined) return undefined
    const { clock, ttlSeconds, maxStaleSeconds } = this.#options
    const ageMs = clock.now() - this.#fetchedAt
    if (ageMs <= ttlSeconds * 1_000) return this.#list
    if (this.#mayFetch()) this.#fetch().catch(() => {})
    return ageMs <= maxStaleSeconds * 1_000 ? this.#list : undefined
  }

  #mayFetch(): boolean {
    const { clock, minRefreshSeconds } = this.#options
    return this.#fetching === undefined && clock.now() - this.#triedAt >= minRefreshSeconds * 1_000
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#read().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #read(): Promise<void> {
    const { upstream, page, clock } = this.#options
    this.#triedAt = clock.now()
    const list = await readToolList(upstream, page, this.#options)
    const isChanged = difference(this.#list?.tools ?? new Map(), list.tools) !== undefined
    this.#list = list
    this.#fetchedAt = clock.now()
    if (isChanged) this.rejudge()
  }

  /** Asks again what is to be held back, after an approval or a new fetch, and tells what that changed. */
  rejudge(): void {
    if (this.#list === undefined) return
    const { tools } = this.#list
    const told = [...tools.values()]
    const held = this.#options.hold?.(told) ?? NOTHING
    const offered = held.size === 0 ? tools : new Map([...tools].filter(([name]) => !held.has(name)))
    this.#lastOffered = new Map(
      told.flatMap(({ name }) => {
        const last = offered.get(name) ?? this.#lastOffered.get(name)
        return last === undefined ? [] : [[name, last]]
      }),
    )
    const known = new Map(told.map((tool) => [tool.name, this.#lastOffered.get(tool.name) ?? tool]))
    const change = difference(this.#offered, offered)
    const isKnown = difference(this.#known, known) === undefined && isSame(this.#held, held)
    this.#held = held
    this.#offered = offered
    this.#known = known
    this.#tools = [...offered.values()]
    if (change === undefined && isKnown) return
    this.#revision++
    for (const listener of this.#listeners) listener(change ?? { added: [], changed: [], removed: [] })
  }
}

const NOTHING: ReadonlySet<string> = new Set()

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((name) => b.has(name))

type Tools = ReadonlyMap<string, ToolDefinition>

function difference(before: Tools, after: Tools): CatalogueChange | undefined {
  const added = [...after.keys()].filter((name) => !before.has(name))
  const removed = [...before.keys()].filter((name) => !after.has(name))
  const changed = [...after.values()].filter((tool) => isChanged(before.get(tool.name), tool)).map((tool) => tool.name)
  return added.length + removed.length + changed.length === 0 ? undefined : { added, changed, removed }
}

const isChanged = (before: ToolDefinition | undefined, after: ToolDefinition): boolean =>
  before !== undefined && before.digest !== after.digest
