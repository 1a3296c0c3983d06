/** The pages on which a person connects an upstream: who may, where they are sent, and what comes back. No script is needed. */
import type { Answer, Exchange } from '../core/exchange.ts'
import { Fault, FAULTS, toFault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { Revocable } from '../identity/revocation.ts'
import { BrowserName } from '../identity/server/browser-name.ts'
import { readFields } from '../identity/server/form.ts'
import { FormTokens } from '../identity/server/form-token.ts'
import { messagePage } from '../identity/server/page.ts'
import type { Witness } from '../identity/server/witness.ts'
import { clientMetadata } from '../upstream/oauth/client-identity.ts'
import { type Consents, digestOf, isSameBrowser, type Ticket } from '../upstream/oauth/consents.ts'
import type { Connectable } from './access-explainer.ts'
import { askPage, leavePage } from './connect-markup.ts'
import { CONNECT_MOUNT, callbackPath, documentPath } from './connect-paths.ts'

export interface ConnectParts {
  readonly connectables: ReadonlyMap<string, Connectable>
  readonly consents: Consents
  readonly authenticate: Check<Exchange & Routed, Authenticated>
  readonly witness: Witness
  /** Whether a principal is still good, and the credential with which it proved itself, if it did: somebody may have been away for minutes. */
  readonly stands: (one: Revocable) => boolean
  readonly publicUrl: string
}

const NOT_A_CONNECTOR = 'Your account may not connect this upstream for everybody any more.'
const MAX_KEY_LENGTH = 16_384

/** Answers everything below `/connect/`. */
export class ConnectPages {
  readonly #parts: ConnectParts
  readonly #browser: BrowserName

  constructor(parts: ConnectParts) {
    this.#parts = parts
    this.#browser = new BrowserName('portcullis_connect', parts.publicUrl)
  }

  takes(path: string): boolean {
    return path.startsWith(CONNECT_MOUNT)
  }

  /** People get a page for what is refused. Our own mistakes go to the place where all of those are told. */
  async serve(exchange: Exchange): Promise<Answer> {
    try {
      return await this.#serve(exchange)
    } catch (thrown) {
      const fault = toFault(thrown)
      if (fault.code === 'internal' || fault.code === 'audit.unavailable') throw fault
      const { status } = FAULTS[fault.code]
      await this.#parts.witness.refused(exchange, fault.code, status, fault.detail)
      return messagePage('This did not work', fault.says, status)
    }
  }

  async #serve(exchange: Exchange): Promise<Answer> {
    const { method, path } = exchange.head
    const rest = path.slice(CONNECT_MOUNT.length)
    const known = [...this.#parts.connectables.keys()]
    const described = known.find((upstream) => rest === documentPath(upstream))
    if (method === 'GET' && described !== undefined) return this.#clientDocument(described)
    const returned = known.find((upstream) => rest === callbackPath(upstream))
    if (method === 'GET' && returned !== undefined) return this.#callback(exchange, returned)
    if (method === 'GET') return this.#ask(exchange, rest)
    if (method === 'POST') return this.#leave(exchange, rest)
    throw new Fault('transport.method_not_allowed', { method })
  }

  /** What an authorization server reads that knows us by this document's URL: one address, that of its own upstream. */
  #clientDocument(upstream: string): Answer {
    const { publicUrl } = this.#parts
    const base = publicUrl + CONNECT_MOUNT
    const document = {
      client_id: base + documentPath(upstream),
      client_uri: publicUrl,
      ...clientMetadata({ upstream, redirectUri: base + callbackPath(upstream) }),
    }
    return { status: 200, headers: { 'cache-control': 'public, max-age=3600' }, document }
  }

  async #ask(exchange: Exchange, id: string): Promise<Answer> {
    const { ticket, connectable } = await this.#ticket(id)
    const known = this.#browser.of(exchange)
    const given = known === undefined ? this.#browser.give() : { secret: known }
    const token = formsOf(given.secret).issue('connect', id)
    const page = askPage({ ticket, connectable, token })
    return 'cookie' in given ? { ...page, cookies: [given.cookie] } : page
  }

  async #leave(exchange: Exchange, id: string): Promise<Answer> {
    const { ticket, connectable } = await this.#ticket(id)
    const { consents } = this.#parts
    const secret = this.#browser.of(exchange)
    const fields = await readFields(exchange)
    if (secret === undefined || !formsOf(secret).accepts(fields.get('token'), 'connect', id))
      throw new Fault('connect.refused', { reason: 'form token', upstream: ticket.wanted.upstream })
    const proved =
      connectable.visitor === 'proved' ? await this.#prove(exchange, ticket, fields.get('key') ?? '') : undefined
    if (!(await consents.use(id))) throw new Fault('connect.invalid', { reason: 'used up' })
    const departure = await connectable.access.begin(ticket.holder, ticket.wanted)
    await consents.leave({ ticket, flow: departure.flow, browser: digestOf(secret), ...(proved && { proved }) })
    return leavePage(connectable, departure.url)
  }

  /** The visitor has to be the very principal that was asked: a link can be given to somebody else (MCP elicitation, "Phishing"). */
  async #prove(exchange: Exchange, ticket: Ticket, key: string): Promise<Principal> {
    const { authenticate, connectables, consents, publicUrl } = this.#parts
    const { upstream } = ticket.wanted
    const refuse = async (reason: string, cause?: unknown): Promise<never> => {
      await consents.failed(ticket.id)
      const says = 'This is not a key of the account for which the link was made.'
      throw new Fault('connect.refused', { reason, upstream }, { says, cause })
    }
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_KEY_LENGTH) return refuse('no proof')
    const { cookie: _cookie, ...headers } = exchange.head.headers
    const asked = {
      ...exchange,
      head: { ...exchange.head, headers: { ...headers, authorization: `Bearer ${key}` } },
      route: { kind: 'upstream', upstream } as const,
      resource: `${publicUrl}/mcp/${upstream}`,
    }
    const { principal } = await Promise.resolve(authenticate.check(asked)).catch((cause: unknown) => {
      if (toFault(cause).code === 'identity.unavailable') throw cause
      return refuse('the proof is not good', cause)
    })
    const { tenant, principal: id } = ticket.principal
    if (principal.tenant !== tenant || principal.id !== id) return refuse('another principal')
    const { mode, connectors } = connectables.get(upstream) as Connectable
    // The roles of the day on which the link was made may be gone by now.
    if (mode === 'shared' && !principal.roles.some((role) => connectors.includes(role)))
      throw new Fault('connect.refused', { reason: 'no connector', upstream }, { says: NOT_A_CONNECTOR })
    return principal
  }

  /** `returned` is the upstream to whose address the person came back. */
  async #callback(exchange: Exchange, returned: string): Promise<Answer> {
    const { consents, connectables, witness } = this.#parts
    const { query } = exchange.head
    const journey = await consents.arrive(new URLSearchParams(query).get('state') ?? '')
    if (journey === undefined) throw new Fault('connect.invalid', { reason: 'state' })
    const { ticket, flow, browser, proved } = journey
    const { upstream } = ticket.wanted
    // The server that we left for sent the person on to another one: that one's code must not be shown to it.
    if (upstream !== returned)
      throw new Fault('connect.refused', { reason: 'came back for another', upstream, returned })
    const secret = this.#browser.of(exchange)
    if (secret === undefined || !isSameBrowser(browser, secret))
      throw new Fault('connect.refused', { reason: 'another browser', upstream })
    const connectable = connectables.get(upstream)
    if (connectable === undefined) throw new Fault('connect.invalid', { reason: 'no such upstream', upstream })
    this.#requireStanding(ticket, proved)
    const grant = await connectable.access.arrive(flow, query)
    this.#requireStanding(ticket, proved)
    const { tenant, principal } = ticket.principal
    const { issuer, scopes } = grant
    const facts = { upstream, issuer, scopes, shared: ticket.holder.principal === undefined }
    await witness.changed(tenant, 'credential.connected', principal, facts)
    await connectable.access.keep(ticket.holder, grant)
    return messagePage('Connected', `${connectable.title} is connected. You can close this page and go back.`)
  }

  /** Nothing is kept for somebody who was removed while on the way. */
  #requireStanding({ principal: { tenant, principal: id }, wanted }: Ticket, proved: Principal | undefined): void {
    if (this.#parts.stands(proved ?? { id, tenant })) return
    throw new Fault('connect.refused', { reason: 'revoked', upstream: wanted.upstream })
  }

  async #ticket(id: string): Promise<{ readonly ticket: Ticket; readonly connectable: Connectable }> {
    const ticket = await this.#parts.consents.find(id)
    const connectable = ticket && this.#parts.connectables.get(ticket.wanted.upstream)
    if (ticket === undefined || connectable === undefined)
      throw new Fault('connect.invalid', { reason: 'no such link' })
    return { ticket, connectable }
  }
}

/** The browser's own secret, which no other site can read or set, is the key: so any node knows the forms of all. */
const formsOf = (secret: string): FormTokens => new FormTokens(secret)
