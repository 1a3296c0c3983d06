import { Fault } from '../core/fault.ts'
import { type Era, isError, isRecord, type Notification, type Params } from '../mcp/message.ts'
import { LEGACY_VERSIONS } from '../mcp/versions.ts'
import { Backoff } from './backoff.ts'
import { Catalogue, type CatalogueOptions } from './catalogue.ts'
import type { Connector } from './connector.ts'
import { type Link, type LinkClient, type LinkEvents, type ManagedLink, NO_EVENTS, type ServerFacts } from './link.ts'
import { LinkTable, type LinkTableOptions } from './link-table.ts'
import { type EraChoice, gatewayEnvelope } from './probe.ts'
import { withinTime } from './own-time.ts'
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
  readonly catalogue: Omit<CatalogueOptions, 'upstream' | 'page' | 'clock'>
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

/** One MCP server behind the gateway: its era, its links, its tools. Nothing is opened before somebody asks. */
export class Upstream {
  readonly name: string
  readonly catalogue: Catalogue
  readonly #options: UpstreamOptions
  readonly #links: LinkTable
  readonly #listeners = new Set<UnsolicitedListener>()
  readonly #self: LinkClient
  readonly #watched = new WeakSet<Link>()
  #era: Era | undefined
  #server: ServerFacts | undefined

  constructor(options: UpstreamOptions) {
    this.name = options.name
    this.#options = options
    this.#self = { info: options.gateway, capabilities: {}, version: LEGACY_VERSIONS[0] }
    this.#links = new LinkTable(options, new Backoff(options.clock))
    const page = (cursor: string | undefined): Promise<Params> => this.#toolsPage(cursor)
    this.catalogue = new Catalogue({ ...options.catalogue, upstream: options.name, page, clock: options.clock })
    this.onUnsolicited((message) => {
      if (message.method === 'notifications/tools/list_changed') void this.catalogue.refresh()
    })
  }

  /** Known as soon as one link has stood. */
  get era(): Era | undefined {
    return this.#era
  }

  /** What the upstream last said of itself to the gateway. */
  get server(): ServerFacts | undefined {
    return this.#server
  }

  /** Finds out the era and what the upstream says of itself, once. Throws the upstream's faults. */
  async connect(): Promise<{ readonly era: Era; readonly server: ServerFacts }> {
    if (this.#era === undefined || this.#server === undefined) {
      const link = await this.shared(this.#options.gatewayScope)
      this.#era ??= link.era
      this.#server ??= link.server
    }
    return { era: this.#era, server: this.#server }
  }

  async facts(): Promise<ServerFacts> {
    return (await this.connect()).server
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
   * sessions: see `shared`.
   */
  open(client: LinkClient, unsolicited: LinkEvents, scope = 'session'): Promise<Link> {
    return this.#links.own(scope, () => this.#open(scope, client, unsolicited, 'one'))
  }

  /**
   * A link with the capabilities of one modern caller, for one call at a time: what a legacy upstream asks on it belongs
   * to that call. Links are kept for the next call of the same scope and client.
   */
  exclusive(scope: string, client: LinkClient): Promise<Lease> {
    const key = `exclusive ${JSON.stringify([scope, client])}`
    return this.#links.lease(key, scope, () => this.#open(scope, client, this.#announce(scope), 'one'))
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
      if (this.#isForAll(scope)) this.#server = link.server
      return link
    } catch (thrown) {
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
    const params = {
      ...(link.era === 'modern' && { _meta: gatewayEnvelope(this.#options.gateway) }),
      ...(cursor !== undefined && { cursor }),
    }
    const request = { id: 'tools', method: 'tools/list', params }
    const response = await withinTime(this.#options.ownTimeoutMs, (cancellation) =>
      link.request(request, NO_EVENTS, cancellation),
    )
    if (!isError(response)) return response.result
    throw new Fault('upstream.unavailable', { reason: 'tools/list', code: response.error.code })
  }
}
