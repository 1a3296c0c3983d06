/** The pages on which a person connects an upstream: who may, where they are sent, and what comes back. No script is needed. */
import { randomBytes } from 'node:crypto'
import type { Answer, Exchange } from '../core/exchange.ts'
import { Fault, FAULTS, toFault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import { readFields } from '../identity/server/form.ts'
import { FormTokens } from '../identity/server/form-token.ts'
import { messagePage } from '../identity/server/page.ts'
import type { Witness } from '../identity/server/witness.ts'
import { clientMetadata } from '../upstream/oauth/client-identity.ts'
import { type Consents, digestOf, isSameBrowser, type Ticket } from '../upstream/oauth/consents.ts'
import type { Connectable } from './access-explainer.ts'
import { askPage, leavePage } from './connect-markup.ts'

export interface ConnectParts {
  readonly connectables: ReadonlyMap<string, Connectable>
  readonly consents: Consents
  readonly authenticate: Check<Exchange & Routed, Authenticated>
  readonly witness: Witness
  /** Whether a principal, and the credential with which it proved itself, are still good: somebody may have been away for minutes. */
  readonly stands: (principal: Principal) => boolean
  readonly publicUrl: string
}

const MOUNT = '/connect/'
const NOT_A_CONNECTOR = 'Your account may not connect this upstream for everybody any more.'
const MAX_KEY_LENGTH = 16_384

/** Answers everything below `/connect/`. */
export class ConnectPages {
  readonly #parts: ConnectParts
  readonly #cookie: string
  readonly #isSecure: boolean

  constructor(parts: ConnectParts) {
    this.#parts = parts
    this.#isSecure = parts.publicUrl.startsWith('https:')
    // `__Host-` keeps other hosts and plain http from setting it (RFC 6265bis §4.1.3.2).
    this.#cookie = `${this.#isSecure ? '__Host-' : ''}portcullis_connect`
  }

  takes(path: string): boolean {
    return path.startsWith(MOUNT)
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
    const rest = path.slice(MOUNT.length)
    if (method === 'GET' && rest === 'client.json') return this.#clientDocument()
    if (method === 'GET' && rest === 'callback') return this.#callback(exchange)
    if (method === 'GET') return this.#ask(exchange, rest)
    if (method === 'POST') return this.#leave(exchange, rest)
    throw new Fault('transport.method_not_allowed', { method })
  }

  /** What authorization servers read that know us by this document's URL. */
  #clientDocument(): Answer {
    const { publicUrl } = this.#parts
    const redirectUri = `${publicUrl}${MOUNT}callback`
    const document = {
      client_id: `${publicUrl}${MOUNT}client.json`,
      client_uri: publicUrl,
      ...clientMetadata({ redirectUri }),
    }
    return { status: 200, headers: { 'cache-control': 'public, max-age=3600' }, document }
  }

  async #ask(exchange: Exchange, id: string): Promise<Answer> {
    const { ticket, connectable } = await this.#ticket(id)
    const known = this.#secretOf(exchange)
    const secret = known ?? randomBytes(32).toString('base64url')
    const token = formsOf(secret).issue('connect', id)
    const page = askPage({ ticket, connectable, token })
    return known === undefined ? { ...page, cookies: [this.#setCookie(secret)] } : page
  }

  async #leave(exchange: Exchange, id: string): Promise<Answer> {
    const { ticket, connectable } = await this.#ticket(id)
    const { consents } = this.#parts
    const secret = this.#secretOf(exchange)
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

  async #callback(exchange: Exchange): Promise<Answer> {
    const { consents, connectables, witness } = this.#parts
    const { query } = exchange.head
    const journey = await consents.arrive(new URLSearchParams(query).get('state') ?? '')
    if (journey === undefined) throw new Fault('connect.invalid', { reason: 'state' })
    const { ticket, flow, browser, proved } = journey
    const { upstream } = ticket.wanted
    const secret = this.#secretOf(exchange)
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
    const credential = { kind: 'certificate', id: '' } as const
    if (this.#parts.stands(proved ?? { id, tenant, roles: [], credential })) return
    throw new Fault('connect.refused', { reason: 'revoked', upstream: wanted.upstream })
  }

  async #ticket(id: string): Promise<{ readonly ticket: Ticket; readonly connectable: Connectable }> {
    const ticket = await this.#parts.consents.find(id)
    const connectable = ticket && this.#parts.connectables.get(ticket.wanted.upstream)
    if (ticket === undefined || connectable === undefined)
      throw new Fault('connect.invalid', { reason: 'no such link' })
    return { ticket, connectable }
  }

  #secretOf({ head }: Exchange): string | undefined {
    const all = String(head.headers['cookie'] ?? '').split(/; */)
    const found = all
      .filter((one) => one.startsWith(`${this.#cookie}=`))
      .map((one) => one.slice(this.#cookie.length + 1))
    return found.length === 1 && /^[\w-]{43}$/.test(found[0] as string) ? found[0] : undefined
  }

  /** Lax, because people come back from another site. */
  #setCookie(secret: string): string {
    return `${this.#cookie}=${secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600${this.#isSecure ? '; Secure' : ''}`
  }
}

/** The browser's own secret, which no other site can read or set, is the key: so any node knows the forms of all. */
const formsOf = (secret: string): FormTokens => new FormTokens(secret)
