import { Fault } from '../core/fault.ts'
import { canonicalJson } from '../mcp/canonical.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { type Era, isRecord, type Notification, type Params } from '../mcp/message.ts'
import { LEGACY_VERSIONS } from '../mcp/versions.ts'
import { Backoff } from './backoff.ts'
import { Catalogue, type CatalogueOptions } from './catalogue.ts'
import type { Connector } from './connector.ts'
import { type Feed, Feeds, type Hearer } from './feeds.ts'
import { ADMIT_ALL, type Judge, type OfferKind } from './judge.ts'
import { type Link, type LinkClient, type LinkEvents, type ManagedLink, NO_EVENTS, type ServerFacts } from './link.ts'
import { LinkTable, type LinkTableOptions } from './link-table.ts'
import { LISTS, Offers } from './offers.ts'
import { ownPage } from './own-page.ts'
import { type EraChoice, gatewayEnvelope } from './probe.ts'
import { watchTools } from './watch-tools.ts'

export interface UpstreamOptions extends LinkTableOptions {
  readonly name: string
  readonly connector: Connector
  readonly era: EraChoice
  /** The gateway's own `clientInfo`. */
  readonly gateway: Params
  /** Scope of what the gateway asks for itself, such as the list of tools. It may be one that callers use too. */
  readonly gatewayScope: string
  /** `one`: each scope is one principal. See `StdioLinkOptions`. */
  readonly owner: 'one' | 'many'
  readonly catalogue: Omit<CatalogueOptions, 'upstream' | 'page' | 'clock' | 'hold'>
  /** What of its words is passed on. Default: all. */
  readonly judge?: Judge
  /** For one request of the gateway itself. */
  readonly ownTimeoutMs: number
}

/** A link for one call at a time. */
export interface Lease {
  readonly link: Link
  /** Gives the link back. Must be called exactly once. */
  release(): void
}

/** Hears a notification of no request, and the scope of the link that it came on. */
type UnsolicitedListener = (message: Notification, scope: string) => void

/** Hears that an approval changed what is offered of this kind. */
type OffersListener = (capability: 'prompts' | 'resources') => void

const MAX_PAGES = 200
const MAX_OFFERS = 10_000

/** One MCP server behind the gateway: its era, its links, its tools. Nothing is opened before somebody asks. */
export class Upstream {
  readonly name: string
  readonly catalogue: Catalogue
  readonly #options: UpstreamOptions
  readonly #links: LinkTable
  readonly #listeners = new Set<UnsolicitedListener>()
  readonly #offersListeners = new Set<OffersListener>()
  readonly #judge: Judge
  readonly #offers: Offers
  readonly #self: LinkClient
  readonly #watched = new WeakSet<Link>()
  readonly #feeds = new Feeds()
  #era: Era | undefined
  #failing = false
  #server: ServerFacts | undefined

  constructor(options: UpstreamOptions) {
    this.name = options.name
    this.#options = options
    this.#self = { info: options.gateway, capabilities: {}, version: LEGACY_VERSIONS[0] }
    this.#links = new LinkTable(options, new Backoff(options.clock))
    const page = (cursor: string | undefined): Promise<Params> => this.#toolsPage(cursor)
    const { name, clock, judge = ADMIT_ALL } = options
    this.#judge = judge
    const hold = (told: readonly ToolDefinition[]) => judge.held(told)
    this.catalogue = new Catalogue({ ...options.catalogue, upstream: name, page, clock, hold })
    this.#offers = new Offers({
      judge,
      clock,
      limits: { maxPages: MAX_PAGES, maxItems: MAX_OFFERS },
      ttlSeconds: options.catalogue.ttlSeconds,
      capabilities: async () => (await this.facts()).capabilities,
      page: async (method, cursor) => ownPage(await this.shared(options.gatewayScope), method, cursor, options),
    })
    this.onUnsolicited(({ method }) => {
      if (method === 'notifications/tools/list_changed') void this.catalogue.refresh()
      if (method === 'notifications/prompts/list_changed' || method === 'notifications/resources/list_changed')
        this.#offers.expire()
    })
  }

  /** Known as soon as one link has stood. */
  get era(): Era | undefined {
    return this.#era
  }

  /** Connections, or processes, of all scopes. */
  get links(): number {
    return this.#links.size
  }

  /** Whether the last start that concerned everybody has failed. */
  get failing(): boolean {
    return this.#failing
  }

  /** What the upstream last said of itself to the gateway, as far as it may be passed on. */
  get server(): ServerFacts | undefined {
    return this.#server && this.#judge.facts(this.#server)
  }

  /** What may be passed on of what a link of one principal was told. */
  vetted(told: ServerFacts): ServerFacts {
    return this.#judge.factsOfOne(told)
  }

  /** Whether an item of one of its lists may be passed on. Good after `offered`. */
  admits(kind: OfferKind, raw: unknown): boolean {
    const admission = this.#judge.admits(kind, raw)
    if (admission === 'other') this.doubt()
    return admission === 'admitted'
  }

  /** A principal has heard that what is offered besides tools may be something else by now. */
  doubt(): void {
    this.#offers.doubt()
  }

  /** Resolves when the judge knows what is offered besides tools. Throws the upstream's faults. */
  async offered(): Promise<void> {
    if (this.#judge.asksForOffers) await this.#offers.ready()
  }

  /** Everything besides tools, as told and not judged. Throws the upstream's faults. */
  async readOffers(): Promise<ReadonlyMap<OfferKind, readonly unknown[]>> {
    return this.#offers.read()
  }

  /** What the upstream last said of itself, not judged. */
  get said(): ServerFacts | undefined {
    return this.#server
  }

  /** What may be passed on has changed. */
  rejudge(): void {
    this.catalogue.rejudge()
    for (const { capability } of [LISTS[0], LISTS[1]])
      for (const listener of this.#offersListeners) listener(capability)
  }

  /** Calls `listener` when what is offered besides tools may have changed by an approval. Returns a function that forgets it. */
  onRejudged(listener: OffersListener): () => void {
    this.#offersListeners.add(listener)
    return () => this.#offersListeners.delete(listener)
  }

  /** Finds out the era and what the upstream says of itself, once. Throws the upstream's faults. */
  async connect(): Promise<{ readonly era: Era; readonly server: ServerFacts }> {
    if (this.#era === undefined || this.#server === undefined) {
      const link = await this.shared(this.#options.gatewayScope)
      this.#era ??= link.era
      this.#server ??= link.server
    }
    return { era: this.#era, server: this.#judge.facts(this.#server) }
  }

  async facts(): Promise<ServerFacts> {
    return (await this.connect()).server
  }

  /**
   * Hears what this upstream, of the modern era, reports of `notifications` to the links of `scope`, until the hearer leaves
   * the feed or the upstream ends it. Who asks for the same shares one subscription. Throws the upstream's faults.
   */
  listen(scope: string, notifications: Params, hearer: Hearer): Feed | Promise<Feed> {
    const link = this.shared(scope)
    const params = { _meta: gatewayEnvelope(this.#options.gateway), notifications }
    if (link instanceof Promise) return link.then((open) => this.#feeds.join(open, params, hearer))
    return this.#feeds.join(link, params, hearer)
  }

  /**
   * The link that all calls of one scope share. It declares no capabilities, so a legacy upstream asks nothing on it.
   * No promise when it stands already.
   */
  shared(scope: string): Link | Promise<Link> {
    // A modern HTTP upstream keeps nothing between two requests, so one link serves all scopes.
    const { owner, connector } = this.#options
    const key = connector.stateless && this.#era === 'modern' ? 'shared' : `shared ${scope}`
    const open = () => this.#open(scope, this.#self, this.#announce(scope), owner)
    // A process of one scope may not start because of that scope; one of the gateway's own fails for everybody.
    const blame = this.#isForAll(scope) ? 'everybody' : 'scope'
    return this.#links.shared(key, scope, open, blame)
  }

  /**
   * A link for one legacy client session, which closes it, with the credential of `scope`. A modern upstream has no
   * sessions: see `shared`. `owner` has a share of the links, and no more: throws `limits.concurrency`.
   */
  open(client: LinkClient, unsolicited: LinkEvents, scope = 'session', owner?: string): Promise<Link> {
    return this.#links.own(scope, () => this.#open(scope, client, unsolicited, 'one'), owner)
  }

  /**
   * A link with the capabilities of one modern caller, for one call at a time: what a legacy upstream asks on it belongs
   * to that call. Links are kept for the next call of the same scope and client. `owner` as for `open`.
   */
  exclusive(scope: string, client: LinkClient, owner?: string): Promise<Lease> {
    const key = `exclusive ${JSON.stringify([scope, client])}`
    return this.#links.lease(key, scope, () => this.#open(scope, client, this.#announce(scope), 'one'), owner)
  }

  /** Keeps a shared link for as long as somebody relies on its unsolicited messages. Returns a function that lets go. */
  retain(link: Link): () => void {
    return this.#links.retain(link)
  }

  /**
   * Hears what arrives on shared and leased links outside any request, such as `list_changed`. Returns a function that
   * forgets the listener.
   */
  onUnsolicited(listener: UnsolicitedListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends the links of some scopes, and processes with them; the next caller gets new ones. Resolves with how many. */
  restart(concerns: (scope: string) => boolean): Promise<number> {
    return this.#links.closeWhere(concerns)
  }

  /** Ends all links, and processes with them. */
  async close(): Promise<void> {
    const { connector } = this.#options
    connector.shut?.()
    await this.#links.close()
    await connector.close()
  }

  /** Whether a link of this scope stands for those of all others. */
  #isForAll(scope: string): boolean {
    const { connector, gatewayScope } = this.#options
    return connector.stateless || scope === gatewayScope
  }

  #announce(scope: string): LinkEvents {
    return {
      notify: (message) => {
        for (const listener of this.#listeners) listener(message, scope)
      },
      ask: (request) => NO_EVENTS.ask(request),
    }
  }

  async #open(scope: string, client: LinkClient, unsolicited: LinkEvents, owner: 'one' | 'many'): Promise<ManagedLink> {
    const era = this.#era ?? this.#options.era
    try {
      const link = await this.#options.connector.open({ era, client, unsolicited, scope, owner })
      this.#era = link.era
      // What the process of one scope says of itself, instructions included, is for nobody else.
      if (this.#isForAll(scope)) {
        this.#heard(link.server)
        this.#failing = false
      }
      return link
    } catch (thrown) {
      if (this.#isForAll(scope)) this.#failing = true
      // An upstream that was replaced by one of the other era is probed again at the next attempt.
      if (thrown instanceof Fault && thrown.code === 'upstream.unsupported') this.#era = undefined
      throw thrown
    }
  }

  async #toolsPage(cursor: string | undefined): Promise<Params> {
    const link = await this.shared(this.#options.gatewayScope)
    if (!this.#watched.has(link)) {
      this.#watched.add(link)
      watchTools(link, this.#options.gateway, () => void this.catalogue.refresh())
    }
    if (!isRecord(link.server.capabilities['tools'])) return { tools: [] }
    const page = await ownPage(link, 'tools/list', cursor, this.#options)
    if (page !== undefined) return page
    throw new Fault('upstream.unavailable', { reason: 'no tools/list' })
  }

  /** A server that comes back as another one is judged at once, and not when its tools are next asked for. */
  #heard(server: ServerFacts): void {
    const before = this.#server
    this.#server = server
    this.#judge.facts(server)
    if (before !== undefined && canonicalJson(before.serverInfo) !== canonicalJson(server.serverInfo)) this.rejudge()
  }
}
