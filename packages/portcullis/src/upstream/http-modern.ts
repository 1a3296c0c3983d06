import { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import { PARAM_HEADER_PREFIX, standardHeaders } from '../mcp/headers.ts'
import {
  type Id,
  isNotification,
  isRecord,
  isResponse,
  type Message,
  type Notification,
  type Params,
  type Response,
} from '../mcp/message.ts'
import { META } from '../mcp/meta.ts'
import { SseDecoder } from '../mcp/sse.ts'
import { MODERN_VERSION } from '../mcp/versions.ts'
import { writeJson } from '../mcp/write-json.ts'
import type { HttpSender } from './access/sender.ts'
import { credentialHeaders, type UpstreamCredentials } from './credentials.ts'
import { answerOf } from './http-answer.ts'
import { readEvents } from './http-events.ts'
import type { StreamedResponse } from './http-response.ts'
import { malformed, readMessage, subscriptionIdOf, whenRead, withId, withSubscriptionId } from './incoming.ts'
import type { LinkEvents, LinkRequest, ManagedLink, Parse, ServerFacts } from './link.ts'

export interface HttpModernOptions {
  readonly pool: HttpSender
  readonly parse: Parse
  readonly credentials: UpstreamCredentials
  /** Of one message in a stream. */
  readonly maxMessageBytes: number
  readonly server: ServerFacts
}

const NONE: Readonly<Record<string, string>> = {}
/** Tools whose headers are kept. */
const MAX_TOOLS = 1_024

function isEmpty(headers: Readonly<Record<string, string>>): boolean {
  for (const _name in headers) return false
  return true
}

const STANDING = { idleTimeoutMs: 0, standing: true } as const

/**
 * A link over Streamable HTTP of 2026-07-28: one POST a request, no session, nothing kept between two requests.
 * `close` takes nothing new and ends subscriptions; calls in flight end by themselves, because a link keeps no count
 * of them.
 */
export class HttpModernLink implements ManagedLink {
  readonly era = 'modern'
  readonly server: ServerFacts
  readonly #options: HttpModernOptions
  readonly #headers: readonly string[]
  /** The headers of calls, by version and tool. */
  readonly #ofTools = new Map<string, readonly string[]>()
  readonly #subscriptions = new Set<Cancellation>()
  #lastId = 0
  #closed = false

  constructor(options: HttpModernOptions) {
    this.#options = options
    this.server = options.server
    this.#headers = [
      'content-type',
      'application/json',
      'accept',
      'application/json, text/event-stream',
      ...credentialHeaders(options.credentials),
    ]
  }

  get closed(): boolean {
    return this.#closed
  }

  get inFlight(): number {
    return this.#subscriptions.size
  }

  request(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    if (this.#closed) return Promise.reject(new Fault('upstream.ended', { reason: 'link closed' }))
    const isSubscription = request.method === 'subscriptions/listen'
    return isSubscription ? this.#subscribe(request, events, cancellation) : this.#send(request, events, cancellation)
  }

  #send(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    const { pool, parse } = this.#options
    const { method, params } = request
    const id = ++this.#lastId
    const post = (body: string) =>
      pool.send(
        {
          method: 'POST',
          headers: this.#headersOf(method, params, request.paramHeaders),
          body,
          // A subscription may be silent for as long as nothing changes.
          ...(method === 'subscriptions/listen' && STANDING),
        },
        cancellation,
      )
    const body = writeJson({ jsonrpc: '2.0', id, method, params })
    return (typeof body === 'string' ? post(body) : body.then(post)).then((response) =>
      response.kind === 'buffer'
        ? answerOf(response, parse, id, request.id)
        : this.#streamed(response, id, request, events),
    )
  }

  async notify(notification: Notification): Promise<void> {
    const { method, params = {} } = notification
    const body = await writeJson({ jsonrpc: '2.0', method, params })
    const response = await this.#options.pool.send({ method: 'POST', headers: this.#headersOf(method, params), body })
    if (response.kind === 'stream') response.stream.abort()
    if (response.status >= 300) throw new Fault('upstream.unavailable', { status: response.status })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const subscription of [...this.#subscriptions]) subscription.cancel('shutdown')
  }

  /** A subscription has no end of its own, so the link's is one of it. */
  async #subscribe(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    const subscription = new Cancellation()
    const forget = cancellation.onCancel((reason) => subscription.cancel(reason))
    this.#subscriptions.add(subscription)
    try {
      return await this.#send(request, events, subscription)
    } finally {
      forget()
      this.#subscriptions.delete(subscription)
    }
  }

  async #streamed(response: StreamedResponse, id: Id, request: LinkRequest, events: LinkEvents): Promise<Response> {
    let answer: Response | undefined
    const { parse } = this.#options
    const read = response.stream.reads?.(parse) ?? parse
    await readEvents(response.stream, new SseDecoder(this.#options.maxMessageBytes), (event) => {
      if (event.data.length === 0) return false
      return whenRead(readMessage(read, event.data), (message) => {
        const taken = this.#take(message, id, request, events)
        if (taken === undefined || taken instanceof Promise) return taken?.then(() => false) ?? false
        answer = taken
        return true
      })
    })
    if (answer === undefined) throw new Fault('upstream.ended', { reason: 'stream ended without a response' })
    return answer
  }

  /** A response ends the stream's reading, a notification goes on, anything else is forbidden in this revision. */
  #take(message: Message, id: Id, request: LinkRequest, events: LinkEvents): Response | Promise<void> | undefined {
    if (isResponse(message)) {
      if (message.id !== id) throw malformed('not the response to this request')
      withSubscriptionId(message['result'], request.id)
      return withId(message, request.id)
    }
    if (!isNotification(message)) throw malformed('a request on a modern stream')
    const subscription = subscriptionIdOf(message.params)
    if (subscription !== undefined) {
      if (subscription !== id && subscription !== String(id)) throw malformed('a message of another subscription')
      withSubscriptionId(message.params, request.id)
    }
    return events.notify(message) ?? undefined
  }

  #headersOf(method: string, params: Params, paramHeaders = NONE): readonly string[] {
    const meta = params['_meta']
    const told = isRecord(meta) ? meta[META.version] : undefined
    const version = typeof told === 'string' ? told : MODERN_VERSION
    const { name } = params
    // Only tools come again with each call; what a resource is called, callers may invent.
    if (method !== 'tools/call' || typeof name !== 'string' || !isEmpty(paramHeaders))
      return this.#makeHeaders(method, params, version, paramHeaders)
    const key = `${version} ${name}`
    const known = this.#ofTools.get(key)
    if (known !== undefined) return known
    const made = this.#makeHeaders(method, params, version, paramHeaders)
    if (this.#ofTools.size >= MAX_TOOLS) this.#ofTools.clear()
    this.#ofTools.set(key, Object.freeze(made))
    return made
  }

  #makeHeaders(
    method: string,
    params: Params,
    version: string,
    paramHeaders: Readonly<Record<string, string>>,
  ): readonly string[] {
    const headers = [...this.#headers]
    const standard = standardHeaders(method, params, version)
    for (const name in standard) headers.push(name, standard[name] as string)
    for (const name in paramHeaders) {
      if (name.startsWith(PARAM_HEADER_PREFIX)) headers.push(name, paramHeaders[name] as string)
    }
    return headers
  }
}
