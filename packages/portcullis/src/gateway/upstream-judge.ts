/** Decides for one upstream what of its words is passed on, and notices when what it says changes. */
import type { Finding } from '../inspection/finding.ts'
import { type Item, instructionsItem, itemOf } from '../inspection/definitions/item.ts'
import { type ItemKey, type Kind, keyOf } from '../inspection/definitions/kind.ts'
import type { Approval } from '../inspection/definitions/lock.ts'
import { type HeldWhy, type Standing, standingOf, type Trust } from '../inspection/definitions/standing.ts'
import type { Target } from '../mcp/call.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import type { Admission, Judge, OfferKind } from '../upstream/judge.ts'
import type { ServerFacts } from '../upstream/link.ts'
import { ToldItems } from './told-items.ts'

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
  /** What was told has changed; called before any of that is judged. */
  told(upstream: string): void
}

/** What principals are told and the gateway is not goes on record so many times between two approvals. */
const MAX_ASIDE = 100

export class UpstreamJudge implements Judge {
  readonly upstream: string
  readonly trust: Trust
  readonly #precedents: Precedents
  readonly #told = new ToldItems()
  readonly #items = new WeakMap<object, { readonly item: Item | undefined }>()
  readonly #passed = new WeakMap<ServerFacts, { readonly generation: number; readonly facts: ServerFacts }>()
  /** Why what was told last is held, as far as that is on record. */
  readonly #noticed = new Map<ItemKey, string>()
  readonly #aside = { generation: 0, noticed: new Set<string>() }
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

  /** What the upstream last told the gateway itself, by key; its tools as it sent them. */
  get seen(): ReadonlyMap<ItemKey, Item> {
    return this.#told.all
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
    this.#server = told
    const [server] = this.#judgeAll('server', [this.#itemOf('server', told.serverInfo)])
    const [instructions] = this.#judgeAll('instructions', [instructionsItem(told.instructions)])
    const facts = this.#less(told, server, instructions)
    this.#passed.set(told, { generation, facts })
    return facts
  }

  factsOfOne(told: ServerFacts): ServerFacts {
    if (this.trust === 'trusted') return told
    const server = this.#itemOf('server', told.serverInfo)
    const instructions = this.#glance(instructionsItem(told.instructions))
    const stranger = this.#isStranger(told) ? 'another-server' : undefined
    return this.#less(told, server && this.#glance(server), instructions ?? stranger)
  }

  /** A held server is told under its configured name. */
  #less(told: ServerFacts, server: HeldWhy | undefined, instructions: HeldWhy | undefined): ServerFacts {
    if (server === undefined && instructions === undefined) return told
    const { instructions: words, serverInfo, ...rest } = told
    return {
      ...rest,
      serverInfo: server === undefined ? serverInfo : { name: this.upstream, version: '0' },
      ...(instructions === undefined && words !== undefined && { instructions: words }),
    }
  }

  admits(kind: OfferKind, raw: unknown): Admission {
    if (this.trust === 'trusted') return 'admitted'
    const item = this.#itemOf(kind, raw)
    if (item === undefined) return 'held'
    if (this.#glance(item) === undefined) return 'admitted'
    return this.#told.get(keyOf(item))?.digest === item.digest ? 'held' : 'other'
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
      return this.#reason(`prompt/${name}`) ?? (this.#told.has(`prompt/${name}`) ? undefined : 'new')
    const key = this.#told.has(`template/${name}`) ? `template/${name}` : `resource/${name}`
    if (this.#told.has(key)) return this.#reason(key)
    if (this.#isStranger()) return 'another-server'
    const template = this.#told.heldTemplateOf(name, (one) => this.#whyHeld(one) !== undefined)
    if (template !== undefined) return this.#whyHeld(template)
    return this.#precedents.knows(this.upstream) ? undefined : 'new'
  }

  /** Why a tool of this name is held, as it was last told. */
  whyTool(name: string): HeldWhy | undefined {
    return this.#reason(keyOf({ kind: 'tool', name })) ?? 'new'
  }

  #reason(key: ItemKey): HeldWhy | undefined {
    const item = this.#told.get(key)
    return item && this.#whyHeld(item)
  }

  /** Judges what one list brought; `undefined` for what may be passed on. What is no item at all is held as new. */
  #judgeAll(kind: Kind, items: readonly (Item | undefined)[]): readonly (HeldWhy | undefined)[] {
    const known = items.filter((item) => item !== undefined)
    const { gone, isNews, ambiguous } = this.#told.replace(kind, known)
    for (const key of gone) this.#noticed.delete(key)
    // Before it is judged: what passes for another one may be in the same list.
    if (isNews) this.#precedents.told(this.upstream)
    const standings = items.map((item) => item && this.#standing(item, ambiguous.has(keyOf(item))))
    const notices: Notice[] = []
    for (const [at, item] of items.entries()) {
      const standing = standings[at]
      if (item === undefined || standing === undefined) continue
      if (standing.state === 'believed') this.#precedents.believe(this.upstream, item)
      if (this.#isNews(item, standing)) notices.push({ item, standing: standing as Notice['standing'] })
    }
    this.#precedents.looked(this.upstream, kind)
    if (notices.length > 0) this.#precedents.notice(this.upstream, notices)
    return standings.map((standing) =>
      standing === undefined ? 'new' : standing.state === 'held' ? standing.why : undefined,
    )
  }

  /** Judges what one principal was told. It is not what the gateway was told, so it decides nothing for anybody else. */
  #glance(item: Item): HeldWhy | undefined {
    const standing = this.#standing(item)
    if (standing.state !== 'held') return undefined
    if (this.#told.get(keyOf(item))?.digest !== item.digest) this.#noticeAside(item, standing)
    return standing.why
  }

  #noticeAside(item: Item, standing: Notice['standing']): void {
    const { generation } = this.#precedents
    const { noticed } = this.#aside
    if (this.#aside.generation !== generation) noticed.clear()
    this.#aside.generation = generation
    const what = `${keyOf(item)} ${item.digest}`
    if (noticed.size >= MAX_ASIDE || noticed.has(what)) return
    noticed.add(what)
    this.#precedents.notice(this.upstream, [{ item, standing }])
  }

  #whyHeld(item: Item): HeldWhy | undefined {
    const standing = this.#standing(item)
    return standing.state === 'held' ? standing.why : undefined
  }

  #standing(item: Item, isAmbiguous = false): Standing {
    const { upstream, trust } = this
    const before = this.#precedents.approval(upstream, keyOf(item))
    if (item.kind !== 'server' && trust !== 'trusted' && this.#isStranger())
      return { state: 'held', why: 'another-server', ...(before && { before }) }
    return standingOf(item, {
      trust,
      before,
      isFirstUse: this.#precedents.isFirst(upstream, item.kind),
      isClean: () => !isAmbiguous && this.#precedents.evidence(upstream, item).length === 0,
    })
  }

  /** The server bears another name than the one that was approved. */
  #isStranger(server = this.#server): boolean {
    const before = this.#precedents.approval(this.upstream, 'server')
    if (before === undefined || server === undefined) return false
    return before.item.fields.get('/name') !== this.#itemOf('server', server.serverInfo)?.fields.get('/name')
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
