import { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import type { Params } from '../mcp/message.ts'
import { AuthorizedSender, type CredentialSource, type HttpSender } from './access/sender.ts'
import type { UpstreamCredentials } from './credentials.ts'
import { openHttpLegacy } from './http-legacy.ts'
import { HttpModernLink } from './http-modern.ts'
import type { HttpPool } from './http-pool.ts'
import type { LinkClient, LinkEvents, ManagedLink, Parse, ServerFacts } from './link.ts'
import { discoverRequest, type EraChoice, isTooNew, mayBeLegacy, modernFacts, notModern, tooNew } from './probe.ts'
import { openStdio } from './stdio-open.ts'
import type { LineProcess } from './stdio-process.ts'

/** How a link to one upstream comes to be, whatever carries it. */
export interface Connector {
  /** True when a modern link keeps nothing between two requests, so that one serves every scope. */
  readonly stateless: boolean
  /** Throws `upstream.unavailable`, `upstream.unsupported`, `upstream.ended`, and what starting a process throws. */
  open(wish: LinkWish): Promise<ManagedLink>
  close(): Promise<void>
}

export interface LinkWish {
  readonly era: EraChoice
  /** For whom a legacy upstream is initialized. */
  readonly client: LinkClient
  readonly unsolicited: LinkEvents
  /** Which principals share the link: the key of its process. */
  readonly scope: string
  /** Whether all calls on the link are of one principal and client, see `StdioLinkOptions`. */
  readonly owner: 'one' | 'many'
}

export interface HttpConnectorOptions {
  /** Belongs to the connector from now on. */
  readonly pool: HttpPool
  readonly credentials: UpstreamCredentials
  /** Credentials that differ between scopes. Then a link carries the calls of one scope only. */
  readonly sourceOf?: (scope: string) => CredentialSource
  readonly parse: Parse
  readonly maxMessageBytes: number
  /** The gateway's own `clientInfo`. */
  readonly gateway: Params
}

export class HttpConnector implements Connector {
  readonly stateless: boolean
  readonly #options: HttpConnectorOptions

  constructor(options: HttpConnectorOptions) {
    this.#options = options
    this.stateless = options.sourceOf === undefined
  }

  async open({ era, client, unsolicited, owner, scope }: LinkWish): Promise<ManagedLink> {
    const pool = this.#senderOf(scope)
    const server = era === 'legacy' ? undefined : await this.#discover(era, pool)
    if (server !== undefined) return new HttpModernLink({ ...this.#options, pool, server })
    if (era === 'modern') throw notModern()
    return openHttpLegacy({ ...this.#options, pool, unsolicited, owner }, client)
  }

  close(): Promise<void> {
    return this.#options.pool.close()
  }

  #senderOf(scope: string): HttpSender {
    const { pool, sourceOf } = this.#options
    return sourceOf === undefined ? pool : new AuthorizedSender(pool, sourceOf(scope))
  }

  async #discover(era: EraChoice, pool: HttpSender): Promise<ServerFacts | undefined> {
    const server = { protocolVersion: '', capabilities: {}, serverInfo: {} }
    const link = new HttpModernLink({ ...this.#options, pool, server })
    try {
      const response = await link.request(discoverRequest(this.#options.gateway), NO_EVENTS, new Cancellation())
      if (isTooNew(response)) throw tooNew()
      return modernFacts(response)
    } catch (thrown) {
      if (era === 'auto' && mayBeLegacy(thrown)) return undefined
      throw thrown
    }
  }
}

export interface StdioConnectorOptions {
  /** Starts a confined process for one scope. Called once for each link. */
  readonly spawn: (scope: string) => Promise<LineProcess>
  readonly parse: Parse
  /** The gateway's own `clientInfo`. */
  readonly gateway: Params
  readonly probeTimeoutMs: number
  readonly startTimeoutMs: number
  readonly maxWaitingBytes: number
  readonly maxWaitingMessages: number
}

export class StdioConnector implements Connector {
  readonly stateless = false
  readonly #options: StdioConnectorOptions

  constructor(options: StdioConnectorOptions) {
    this.#options = options
  }

  async open(wish: LinkWish): Promise<ManagedLink> {
    try {
      return await this.#start(wish)
    } catch (thrown) {
      // Some old servers exit on a method that they do not know before `initialize`; only those start a second time.
      if (wish.era !== 'auto' || !exitedByItself(thrown)) throw thrown
      return this.#start({ ...wish, era: 'legacy' })
    }
  }

  async close(): Promise<void> {}

  async #start({ era, client, unsolicited, scope, owner }: LinkWish): Promise<ManagedLink> {
    const process = await this.#options.spawn(scope)
    return openStdio(process, { ...this.#options, era, client, unsolicited, owner })
  }
}

const exitedByItself = (thrown: unknown): boolean =>
  thrown instanceof Fault && thrown.code === 'upstream.ended' && thrown.detail['code'] !== undefined

/** For requests of the gateway itself: nobody listens, and no question is answered. */
export const NO_EVENTS: LinkEvents = {
  notify() {},
  ask: ({ id }) =>
    Promise.resolve({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Requests are not accepted here.' } }),
}
