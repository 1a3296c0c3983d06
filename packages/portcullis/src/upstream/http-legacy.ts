import { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import { HEADER } from '../mcp/headers.ts'
import type { Id, Message, Notification, Request, Response } from '../mcp/message.ts'
import { writeJson } from '../mcp/write-json.ts'
import type { HttpSender } from './access/sender.ts'
import { credentialHeaders, type UpstreamCredentials } from './credentials.ts'
import { answerOf, refused } from './http-answer.ts'
import { type CallStream, followCall, followSession } from './http-legacy-streams.ts'
import type { HttpResponse } from './http-response.ts'
import { callerTokenOf, malformed, withOwnToken } from './incoming.ts'
import type { LinkClient, LinkEvents, LinkRequest, ManagedLink, Parse, ServerFacts } from './link.ts'
import { withinTime } from './own-time.ts'
import { initializeRequest, legacyFacts } from './probe.ts'
import { Questions } from './questions.ts'

export interface HttpLegacyOptions {
  readonly pool: HttpSender
  readonly parse: Parse
  readonly credentials: UpstreamCredentials
  /** Of one message in a stream. */
  readonly maxMessageBytes: number
  /** Takes what arrives on the session's own stream. */
  readonly unsolicited: LinkEvents
  /** Many upstreams send there what belongs to a call; see `StdioLinkOptions`. */
  readonly owner: 'one' | 'many'
  /** For the answer to `initialize`. */
  readonly startTimeoutMs: number
}

const NO_FACTS: ServerFacts = { protocolVersion: '', capabilities: {}, serverInfo: {} }
/** Visible ASCII (MCP 2025-11-25 transports, "Session Management"). */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/
const CLOSE_MS = 2_000
/** An upstream that sends no head before the first event is not waited for any longer. */
const LISTEN_MS = 500

/** Opens a session: `initialize`, `notifications/initialized`, then the session's own stream. */
export async function openHttpLegacy(options: HttpLegacyOptions, client: LinkClient): Promise<HttpLegacyLink> {
  const link = new HttpLegacyLink(options)
  try {
    const ask = (late: Cancellation) => link.request(initializeRequest(client), options.unsolicited, late)
    const response = await withinTime(options.startTimeoutMs, ask)
    link.adopt(legacyFacts(response))
    await link.notify({ jsonrpc: '2.0', method: 'notifications/initialized' })
    await link.listen()
    return link
  } catch (thrown) {
    await link.close()
    throw thrown
  }
}

/** A link over Streamable HTTP of the 2025 revisions: one session of one upstream, with the version it was opened in. */
export class HttpLegacyLink implements ManagedLink {
  readonly era = 'legacy'
  readonly #options: HttpLegacyOptions
  readonly #headers: readonly string[]
  readonly #questions = new Questions()
  readonly #calls = new Map<Cancellation, LinkEvents>()
  readonly #life = new Cancellation()
  #server: ServerFacts = NO_FACTS
  #session: string | undefined
  #lastId = 0

  constructor(options: HttpLegacyOptions) {
    this.#options = options
    this.#headers = credentialHeaders(options.credentials)
  }

  get server(): ServerFacts {
    return this.#server
  }

  get closed(): boolean {
    return this.#life.cancelled
  }

  get inFlight(): number {
    return this.#calls.size
  }

  adopt(server: ServerFacts): void {
    this.#server = server
  }

  async request(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    if (cancellation.cancelled) throw new Fault('upstream.ended', { reason: 'cancelled', why: cancellation.reason })
    const id = ++this.#lastId
    const call = new Cancellation()
    const { method, params } = request
    const token = callerTokenOf(params)
    const forget = cancellation.onCancel((reason) => {
      call.cancel(reason)
      if (method !== 'initialize') this.#giveUp(id)
    })
    this.#calls.set(call, events)
    try {
      const ours = token === undefined ? params : withOwnToken(params, id)
      const http = await this.#post({ jsonrpc: '2.0', id, method, params: ours }, call)
      if (method === 'initialize') this.#begin(http)
      if (http.kind === 'buffer') return await answerOf(http, this.#options.parse, id, request.id)
      return await followCall(http.stream, this.#stream(id, request.id, token, events, call))
    } finally {
      forget()
      this.#calls.delete(call)
      this.#questions.end(call)
    }
  }

  async notify(notification: Notification): Promise<void> {
    const http = await this.#post(notification, this.#life)
    if (http.kind === 'stream') http.stream.abort()
    else if (http.status >= 300) throw refused(http)
  }

  /**
   * Opens the session's own stream. Upstreams may refuse it (405); then there is none. Resolves when that is known,
   * because a question that finds no stream is lost.
   */
  listen(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LISTEN_MS)
      const opened = (): void => {
        clearTimeout(timer)
        resolve()
      }
      const stream = this.#stream(undefined, 0, undefined, this.#anyone, this.#life)
      followSession({ ...stream, ask: (request) => this.#askAnyone(request) }, opened)
        .catch(() => this.close())
        .finally(opened)
    })
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.#end()
    if (this.#session === undefined) return
    const patience = new Cancellation()
    const timer = setTimeout(() => patience.cancel('deadline'), CLOSE_MS)
    const request = { method: 'DELETE', headers: this.#headersOf() } as const
    const http = await this.#options.pool.send(request, patience).catch(() => undefined)
    if (http?.kind === 'stream') http.stream.abort()
    clearTimeout(timer)
  }

  async #post(message: Message, cancellation: Cancellation): Promise<HttpResponse> {
    if (this.closed) throw new Fault('upstream.ended', { reason: 'the session has ended' })
    const headers = this.#headersOf('content-type', 'application/json', 'accept', 'application/json, text/event-stream')
    const body = await writeJson(message)
    return this.#checked(await this.#options.pool.send({ method: 'POST', headers, body }, cancellation))
  }

  async #get(lastEventId: string | undefined, cancellation: Cancellation): Promise<HttpResponse> {
    const headers = this.#headersOf('accept', 'text/event-stream')
    if (lastEventId !== undefined) headers.push(HEADER.lastEventId, lastEventId)
    const request = { method: 'GET', headers, idleTimeoutMs: 0, standing: true } as const
    return this.#checked(await this.#options.pool.send(request, cancellation))
  }

  /** A session that the upstream does not know any more is over for all of its calls (ibid.). */
  #checked(http: HttpResponse): HttpResponse {
    if (http.status !== 404 || this.#session === undefined) return http
    this.#end()
    throw new Fault('upstream.ended', { reason: 'the upstream ended the session' })
  }

  #begin(http: HttpResponse): void {
    const session = http.headers[HEADER.session]
    if (session === undefined || http.status >= 300) return
    if (typeof session === 'string' && SESSION_ID.test(session)) {
      this.#session = session
      return
    }
    if (http.kind === 'stream') http.stream.abort()
    throw malformed('session id')
  }

  #stream(id: Id | undefined, callerId: Id, token: unknown, events: LinkEvents, call: Cancellation): CallStream {
    const { parse, maxMessageBytes } = this.#options
    return {
      id,
      callerId,
      token,
      events,
      call,
      parse,
      maxMessageBytes,
      connect: (lastEventId) => this.#get(lastEventId, call),
      ask: (request) => {
        void this.#questions.ask(request, events, call).then((response) => response && this.#reply(response))
      },
      withdraw: (question) => this.#questions.withdraw(question),
    }
  }

  /** What comes on the session's own stream goes to the only call in flight if it can only be meant for that. */
  readonly #anyone: LinkEvents = {
    notify: (message) => {
      const only = message.method === 'notifications/message' ? this.#onlyCall() : undefined
      return (only?.[1] ?? this.#options.unsolicited).notify(message)
    },
    ask: (request, withdrawn) => this.#options.unsolicited.ask(request, withdrawn),
  }

  #askAnyone(request: Request): void {
    const [owner, events] = this.#onlyCall() ?? [this.#life, this.#options.unsolicited]
    void this.#questions.ask(request, events, owner).then((response) => response && this.#reply(response))
  }

  #onlyCall(): readonly [Cancellation, LinkEvents] | undefined {
    if (this.#options.owner === 'many' || this.#calls.size !== 1) return undefined
    return this.#calls.entries().next().value
  }

  #reply(response: Response): void {
    if (!this.closed) this.notify(response as unknown as Notification).catch(() => {})
  }

  #giveUp(requestId: Id): void {
    if (this.closed) return
    this.notify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }).catch(() => {})
  }

  #end(): void {
    this.#life.cancel('upstream-ended')
    for (const call of [...this.#calls.keys()]) call.cancel('upstream-ended')
    this.#questions.end()
  }

  #headersOf(...more: string[]): string[] {
    const headers = [...more, ...this.#headers]
    if (this.#server.protocolVersion !== '') headers.push(HEADER.version, this.#server.protocolVersion)
    if (this.#session !== undefined) headers.push(HEADER.session, this.#session)
    return headers
  }
}
