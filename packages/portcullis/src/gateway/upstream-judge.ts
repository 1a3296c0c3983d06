/** Decides for one upstream what of its words is passed on, and notices when what it says changes. */
import type { Finding } from '../inspection/finding.ts'
import { type Item, instructionsItem, itemOf } from '../inspection/definitions/item.ts'
import { type ItemKey, type Kind, keyOf } from '../inspection/definitions/kind.ts'
import type { Approval } from '../inspection/definitions/lock.ts'
import { type HeldWhy, type Standing, standingOf, type Trust } from '../inspection/definitions/standing.ts'
import type { Target } from '../mcp/call.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Judge, OfferKind } from '../upstream/judge.ts'
import type { ServerFacts } from '../upstream/link.ts'

/** One item that is not what was approved. */
export interface Notice {
  readonly item: Item
  readonly standing: Exclude<Standing, { readonly state: 'offered' }>
}

/** What a judge needs to know of all upstreams together. */
export interface Precedents {
  /** Another number whenever an answer may have changed by an approval. */
  readonly generation: number
  /** What counts as approved. */
  approval(upstream: string, key: ItemKey): Pick<Approval, 'item'> | undefined
  /** Whether anything of the upstream counts as approved. */
  knows(upstream: string): boolean
  /** Whether the lock knows nothing of the upstream, and nothing of this kind was ever asked for. */
  isFirst(upstream: string, kind: Kind): boolean
  looked(upstream: string, kind: Kind): void
  believe(upstream: string, item: Item): void
  evidence(upstream: string, item: Item): readonly Finding[]
  /** Is told of everything that is new or changed, once for each list. */
  notice(upstream: string, notices: readonly Notice[]): void
  /** What was told has changed. */
  told(upstream: string): void
}

export class UpstreamJudge implements Judge {
  readonly upstream: string
  readonly trust: Trust
  readonly #precedents: Precedents
  readonly #seen = new Map<ItemKey, Item>()
  readonly #items = new WeakMap<object, { readonly item: Item | undefined }>()
  readonly #passed = new WeakMap<ServerFacts, { readonly generation: number; readonly facts: ServerFacts }>()
  readonly #noticed = new Map<ItemKey, string>()
  #server: ServerFacts | undefined
  #rawTools: readonly ToolDefinition[] = []

  constructor(upstream: string, trust: Trust, precedents: Precedents) {
    this.upstream = upstream
    this.trust = trust
    this.#precedents = precedents
  }

  get asksForOffers(): boolean {
    return this.trust !== 'trusted'
  }

  /** What the upstream last told, by key; its tools as it sent them. */
  get seen(): ReadonlyMap<ItemKey, Item> {
    return this.#seen
  }

  get rawTools(): readonly ToolDefinition[] {
    return this.#rawTools
  }

  get version(): string | undefined {
    const version = this.#server?.serverInfo['version']
    return typeof version === 'string' ? version : undefined
  }

  held(told: readonly ToolDefinition[]): ReadonlySet<string> {
    this.#rawTools = told
    const items = told.map((tool) => this.#itemOf('tool', tool.raw))
    const held = this.#judgeAll('tool', items)
    return new Set(told.filter((_, at) => held[at] !== undefined).map(({ name }) => name))
  }

  facts(told: ServerFacts): ServerFacts {
    const { generation } = this.#precedents
    const known = this.#passed.get(told)
    if (known?.generation === generation) return known.facts
    const facts = this.#judgeFacts(told)
    this.#passed.set(told, { generation, facts })
    return facts
  }

  #judgeFacts(told: ServerFacts): ServerFacts {
    this.#server = told
    const server = this.#itemOf('server', told.serverInfo) as Item
    const [bareServer] = this.#judgeAll('server', [server])
    const [silent] = this.#judgeAll('instructions', [instructionsItem(told.instructions)])
    if (bareServer === undefined && silent === undefined) return told
    const { instructions, serverInfo, ...rest } = told
    return {
      ...rest,
      serverInfo: bareServer === undefined ? serverInfo : { name: this.upstream, version: '0' },
      ...(silent === undefined && instructions !== undefined && { instructions }),
    }
  }

  admits(kind: OfferKind, raw: unknown): boolean {
    if (this.trust === 'trusted') return true
    const item = this.#itemOf(kind, raw)
    if (item === undefined) return false
    const known = this.#seen.get(keyOf(item))
    // One principal may be told something else than the gateway: what was told last is what a name stands for.
    if (known?.digest !== item.digest) this.#judgeAll(kind, [item], false)
    return this.#whyHeld(item) === undefined
  }

  told(kind: OfferKind, raws: readonly unknown[]): void {
    this.#judgeAll(
      kind,
      raws.map((raw) => this.#itemOf(kind, raw)),
    )
  }

  /** Why a prompt or a resource may not be used now. What is in no list is believed of resources only: many are in none. */
  reasonOf({ kind, name }: Exclude<Target, { readonly kind: 'none' }>): HeldWhy | undefined {
    if (this.trust === 'trusted') return undefined
    if (kind === 'prompt')
      return this.#reason(`prompt/${name}`) ?? (this.#seen.has(`prompt/${name}`) ? undefined : 'new')
    const key = this.#seen.has(`template/${name}`) ? `template/${name}` : `resource/${name}`
    if (this.#seen.has(key)) return this.#reason(key)
    if (this.#isStranger()) return 'another-server'
    return this.#precedents.knows(this.upstream) ? undefined : 'new'
  }

  /** Why a tool of this name is held, as it was last told. */
  whyTool(name: string): HeldWhy | undefined {
    return this.#reason(keyOf({ kind: 'tool', name })) ?? 'new'
  }

  #reason(key: ItemKey): HeldWhy | undefined {
    const item = this.#seen.get(key)
    return item && this.#whyHeld(item)
  }

  /** Judges what one list brought; `undefined` for what may be passed on. What is no item at all is held as new. */
  #judgeAll(kind: Kind, items: readonly (Item | undefined)[], isWhole = true): readonly (HeldWhy | undefined)[] {
    if (isWhole) this.#forget(kind, items)
    const standings = items.map((item) => item && this.#standing(item))
    const notices: Notice[] = []
    let isNews = false
    for (const [at, item] of items.entries()) {
      const standing = standings[at]
      if (item === undefined || standing === undefined) continue
      isNews ||= this.#seen.get(keyOf(item))?.digest !== item.digest
      this.#seen.set(keyOf(item), item)
      if (standing.state === 'believed') this.#precedents.believe(this.upstream, item)
      if (this.#isNews(item, standing)) notices.push({ item, standing: standing as Notice['standing'] })
    }
    if (isWhole) this.#precedents.looked(this.upstream, kind)
    if (notices.length > 0) this.#precedents.notice(this.upstream, notices)
    if (isNews) this.#precedents.told(this.upstream)
    return standings.map((standing) =>
      standing === undefined ? 'new' : standing.state === 'held' ? standing.why : undefined,
    )
  }

  /** What a list no longer has is told no more. */
  #forget(kind: Kind, items: readonly (Item | undefined)[]): void {
    const keys = new Set(items.map((item) => item && keyOf(item)))
    for (const [key, item] of this.#seen) if (item.kind === kind && !keys.has(key)) this.#seen.delete(key)
  }

  #whyHeld(item: Item): HeldWhy | undefined {
    const standing = this.#standing(item)
    return standing.state === 'held' ? standing.why : undefined
  }

  #standing(item: Item): Standing {
    const { upstream, trust } = this
    const before = this.#precedents.approval(upstream, keyOf(item))
    if (item.kind !== 'server' && trust !== 'trusted' && this.#isStranger())
      return { state: 'held', why: 'another-server', ...(before && { before }) }
    return standingOf(item, {
      trust,
      before,
      isFirstUse: this.#precedents.isFirst(upstream, item.kind),
      isClean: () => this.#precedents.evidence(upstream, item).length === 0,
    })
  }

  /** The server bears another name than the one that was approved. */
  #isStranger(): boolean {
    const before = this.#precedents.approval(this.upstream, 'server')
    if (before === undefined || this.#server === undefined) return false
    return before.item.fields.get('/name') !== this.#itemOf('server', this.#server.serverInfo)?.fields.get('/name')
  }

  /** Whether this has not been told yet. What is believed for the first time is no news. */
  #isNews(item: Item, standing: Standing): boolean {
    const key = keyOf(item)
    const state = standing.state === 'held' ? `${standing.why} ${item.digest}` : ''
    if (standing.state === 'believed') return standing.before !== undefined
    if ((this.#noticed.get(key) ?? '') === state) return false
    this.#noticed.set(key, state)
    return standing.state === 'held'
  }

  #itemOf(kind: Exclude<Kind, 'instructions'>, raw: unknown): Item | undefined {
    if (typeof raw !== 'object' || raw === null) return undefined
    const known = this.#items.get(raw)
    if (known !== undefined) return known.item
    const item = itemOf(kind, raw)
    this.#items.set(raw, { item })
    return item
  }
}
