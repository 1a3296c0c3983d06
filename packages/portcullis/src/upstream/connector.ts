import type { Params } from '../mcp/message.ts'
import { AuthorizedSender, type CredentialSource, type HttpSender } from './access/sender.ts'
import type { UpstreamCredentials } from './credentials.ts'
import { openHttpLegacy } from './http-legacy.ts'
import { HttpModernLink } from './http-modern.ts'
import type { HttpPool } from './http-pool.ts'
import { type LinkClient, type LinkEvents, type ManagedLink, NO_EVENTS, type Parse, type ServerFacts } from './link.ts'
import { withinTime } from './own-time.ts'
import { discoverRequest, type EraChoice, isTooNew, mayBeLegacy, modernFacts, notModern, tooNew } from './probe.ts'

/** How a link to one upstream comes to be, whatever carries it. */
export interface Connector {
  /** True when a modern link keeps nothing between two requests, so that one serves every scope. */
  readonly stateless: boolean
  /** Throws `upstream.unavailable`, `upstream.unsupported`, `upstream.ended`, and what starting a process throws. */
  open(wish: LinkWish): Promise<ManagedLink>
  /** What is being opened fails soon, and nothing can be opened any more. Links that stand are not touched. */
  shut?(): void
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
  /** Signs what is sent, and checks what comes back: it sees a request with its credential. */
  readonly signed?: ((sender: HttpSender) => HttpSender) | undefined
  readonly parse: Parse
  readonly maxMessageBytes: number
  /** The gateway's own `clientInfo`. */
  readonly gateway: Params
  /** For the answer to the probe and to `initialize`. Default: half a minute. */
  readonly startTimeoutMs?: number
}

const START_MS = 30_000

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
    const startTimeoutMs = this.#startMs
    return openHttpLegacy({ ...this.#options, pool, unsolicited, owner, startTimeoutMs }, client)
  }

  close(): Promise<void> {
    return this.#options.pool.close()
  }

  get #startMs(): number {
    return this.#options.startTimeoutMs ?? START_MS
  }

  #senderOf(scope: string): HttpSender {
    const { pool, sourceOf, signed } = this.#options
    const sender = signed === undefined ? pool : signed(pool)
    return sourceOf === undefined ? sender : new AuthorizedSender(sender, sourceOf(scope))
  }

  async #discover(era: EraChoice, pool: HttpSender): Promise<ServerFacts | undefined> {
    const server = { protocolVersion: '', capabilities: {}, serverInfo: {} }
    const link = new HttpModernLink({ ...this.#options, pool, server })
    try {
      const request = discoverRequest(this.#options.gateway)
      const response = await withinTime(this.#startMs, (late) => link.request(request, NO_EVENTS, late))
      if (isTooNew(response)) throw tooNew()
      return modernFacts(response)
    } catch (thrown) {
      if (era === 'auto' && mayBeLegacy(thrown)) return undefined
      throw thrown
    }
  }
}
