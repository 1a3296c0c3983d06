import type { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import { type Era, isResponse, type Message, type Notification, type Request, type Response } from '../mcp/message.ts'
import { Delivery } from './delivery.ts'
import {
  callerTokenOf,
  progressTokenOf,
  subscriptionIdOf,
  withId,
  withOwnToken,
  withProgressToken,
  withSubscriptionId,
} from './incoming.ts'
import { LineReader } from './line-reader.ts'
import type { LinkEnding, LinkEvents, LinkRequest, ManagedLink, Parse, ServerFacts } from './link.ts'
import { type OnViolation, Offences } from './offences.ts'
import { Questions } from './questions.ts'
import { type CallWatch, faultOfExit, type LineProcess, LineWriter, type ProcessExit } from './stdio-process.ts'

export interface StdioLinkOptions {
  readonly parse: Parse
  /**
   * `one`: every call is of the same principal and client, so a log message or a question that names no request may
   * go to the only call in flight. `many`: it never does, because it could be another's.
   */
  readonly owner: 'one' | 'many'
  /** Takes what belongs to no request. */
  readonly unsolicited: LinkEvents
  /** Requests that may wait for a process that does not read. */
  readonly maxWaitingBytes: number
  /** Notifications that may wait for one slow caller. */
  readonly maxWaitingMessages: number
  /** Hears of what the process says against the protocol. */
  readonly onViolation?: OnViolation | undefined
}

interface Pending {
  readonly id: number
  readonly request: LinkRequest
  readonly token: unknown
  readonly events: LinkEvents
  readonly resolve: (response: Response) => void
  readonly reject: (thrown: unknown) => void
  forget: (() => void) | undefined
  delivery: Delivery | undefined
}

const NO_FACTS: ServerFacts = { protocolVersion: '', capabilities: {}, serverInfo: {} }
const HANDSHAKE: ReadonlySet<string> = new Set(['initialize', 'server/discover'])

/**
 * A link over the standard streams of one process: newline-delimited JSON-RPC with ids of our own, so that the calls of
 * several callers cannot be taken for each other (MCP "stdio"). `stdio-open.ts` does the handshake.
 */
export class StdioLink implements ManagedLink {
  readonly #options: StdioLinkOptions
  readonly #process: LineProcess
  readonly #writer: LineWriter
  readonly #reader: LineReader
  readonly #pending = new Map<number, Pending>()
  readonly #questions = new Questions()
  readonly #offences: Offences
  #owner: 'one' | 'many'
  #events: LinkEvents
  #unsolicited: Delivery
  #answered = 0
  #ending: LinkEnding | undefined
  #era: Era = 'modern'
  #server: ServerFacts = NO_FACTS
  #lastId = 0
  #ended: Fault | undefined

  constructor(process: LineProcess, options: StdioLinkOptions) {
    this.#options = options
    this.#process = process
    this.#writer = new LineWriter(process, options.maxWaitingBytes)
    this.#owner = options.owner
    this.#events = options.unsolicited
    this.#unsolicited = this.#deliveryOf(options.unsolicited)
    this.#offences = new Offences(options.onViolation, () => this.#expel())
    this.#reader = new LineReader(process, options.parse, {
      message: (message) => this.#heard(message),
      broken: (thrown) => this.#broken(thrown),
      stray: () => this.#ended ?? this.#offences.note('stray-output'),
    })
    void process.exited.then((exit) => this.#reader.after(() => this.#exited(exit)))
  }

  get era(): Era {
    return this.#era
  }

  get server(): ServerFacts {
    return this.#server
  }

  /** Whoever wants to know which calls the process has been given. */
  get calls(): CallWatch | undefined {
    return this.#process.calls
  }

  get closed(): boolean {
    return this.#ended !== undefined
  }

  get inFlight(): number {
    return this.#pending.size
  }

  get ending(): LinkEnding | undefined {
    return this.#ending
  }

  /** Gives a link that was made ahead to those whom it is to serve from now on. */
  handOver(owner: 'one' | 'many', unsolicited: LinkEvents): void {
    this.#owner = owner
    this.#events = unsolicited
    this.#unsolicited = this.#deliveryOf(unsolicited)
  }

  /** What the handshake found out. */
  adopt(era: Era, server: ServerFacts): void {
    this.#era = era
    this.#server = server
  }

  request(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const { method, params } = request
    const id = ++this.#lastId
    const token = callerTokenOf(params)
    const ours = token === undefined ? params : withOwnToken(params, id)
    return new Promise((resolve, reject) => {
      const pending: Pending = { id, request, token, events, resolve, reject, forget: undefined, delivery: undefined }
      if (cancellation.cancelled) return reject(cancelled(cancellation))
      this.#pending.set(id, pending)
      pending.forget = cancellation.onCancel(() => this.#abandon(pending, cancelled(cancellation)))
      const line = this.#writer.textOf({ jsonrpc: '2.0', id, method, params: ours })
      if (typeof line === 'string') this.#put(pending, line)
      else void line.then((text) => this.#pending.has(id) && this.#put(pending, text))
    })
  }

  #put(pending: Pending, line: string): void {
    if (this.#writer.write(line)) return
    this.#forget(pending)
    pending.reject(new Fault('upstream.unavailable', { reason: 'the process does not read its input' }))
  }

  async notify(notification: Notification): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended
    this.#send(notification)
  }

  async close(): Promise<void> {
    this.#end('closed', new Fault('upstream.ended', { reason: 'closed by the gateway' }))
    await this.#process.stop().catch(() => {})
  }

  /** Nobody can say whose answer it was, so none of the calls in flight may go on waiting. */
  #broken(thrown: unknown): void {
    if (this.#ended !== undefined) return
    for (const pending of [...this.#pending.values()]) this.#abandon(pending, thrown)
    this.#offences.note('broken-message')
  }

  #heard(message: Message): void {
    if (this.#ended !== undefined) return
    if (isResponse(message)) this.#responded(message)
    else if ('id' in message) this.#asked(message as Request)
    else this.#notified(message)
  }

  #responded(response: Response): void {
    const pending = this.#pending.get(response.id as number)
    if (pending === undefined) return this.#unexpected(response.id)
    this.#forget(pending)
    if (!HANDSHAKE.has(pending.request.method)) this.#answered++
    withSubscriptionId(response['result'], pending.request.id)
    withId(response, pending.request.id)
    if (pending.delivery === undefined) pending.resolve(response)
    else pending.delivery.after(() => pending.resolve(response))
  }

  /** A request that was given up may still be answered; nobody is at fault then. */
  #unexpected(id: unknown): void {
    const asked = typeof id === 'number' && id >= 1 && id <= this.#lastId
    if (!asked) this.#offences.note('unasked-answer')
  }

  #notified(message: Notification): void {
    const token = progressTokenOf(message)
    if (token !== undefined) {
      const pending = this.#pending.get(token as number)
      if (pending?.token !== undefined) this.#deliver(pending, withProgressToken(message, pending.token))
      return
    }
    const subscription = subscriptionIdOf(message.params)
    if (subscription !== undefined) return this.#published(message, Number(subscription))
    if (message.method === 'notifications/cancelled') return this.#withdrawn(message.params?.['requestId'])
    const only = message.method === 'notifications/message' ? this.#onlyCall() : undefined
    if (only === undefined) this.#unsolicited.push(message)
    else this.#deliver(only, message)
  }

  #published(message: Notification, id: number): void {
    const pending = this.#pending.get(id)
    if (pending?.request.method !== 'subscriptions/listen') return
    withSubscriptionId(message.params, pending.request.id)
    this.#deliver(pending, message)
  }

  /** An upstream may end a subscription so, or take a question back; both revisions use one notification for it. */
  #withdrawn(id: unknown): void {
    if (this.#questions.withdraw(id)) return
    const pending = this.#pending.get(id as number)
    if (pending === undefined) return
    this.#forget(pending)
    pending.reject(new Fault('upstream.ended', { reason: 'the upstream gave the request up' }))
  }

  #asked(request: Request): void {
    this.#offences.asked()
    const only = this.#onlyCall()
    const events = this.#era === 'legacy' ? (only?.events ?? this.#events) : undefined
    void this.#questions.ask(request, events, only).then((response) => {
      if (response !== undefined && this.#ended === undefined) this.#send(response)
    })
  }

  /** The one call in flight. Subscriptions do not count: they log nothing and ask nothing. */
  #onlyCall(): Pending | undefined {
    if (this.#owner === 'many') return undefined
    let only: Pending | undefined
    for (const pending of this.#pending.values()) {
      if (pending.request.method === 'subscriptions/listen') continue
      if (only !== undefined) return undefined
      only = pending
    }
    return only
  }

  #deliveryOf(events: LinkEvents): Delivery {
    return new Delivery(events, this.#options.maxWaitingMessages, () => {})
  }

  #deliver(pending: Pending, message: Notification): void {
    pending.delivery ??= new Delivery(pending.events, this.#options.maxWaitingMessages, (thrown) =>
      this.#abandon(pending, thrown),
    )
    pending.delivery.push(message)
  }

  /** Gives a call up and tells the upstream so, if it is still at it. */
  #abandon(pending: Pending, thrown: unknown): void {
    pending.reject(thrown)
    if (!this.#pending.has(pending.id)) return
    this.#forget(pending)
    if (HANDSHAKE.has(pending.request.method)) return
    this.#send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: pending.id } })
  }

  #forget(pending: Pending): void {
    this.#pending.delete(pending.id)
    pending.forget?.()
    this.#questions.end(pending)
  }

  #send(message: Message): void {
    const line = this.#writer.textOf(message)
    if (typeof line === 'string') this.#writer.write(line)
    else void line.then((text) => this.#ended === undefined && this.#writer.write(text))
  }

  /** A process that breaks the protocol again and again is ended: reading on costs the others their time. */
  #expel(): void {
    this.#end('crashed', new Fault('upstream.malformed', { reason: 'too many broken messages' }))
    void this.#process.stop(0).catch(() => {})
  }

  #exited(exit: ProcessExit): void {
    const inOrder = exit.code === 0 && exit.reason === 'exited' && this.#answered > 0 && this.#pending.size === 0
    this.#end(inOrder ? 'left' : 'crashed', faultOfExit(exit))
  }

  #end(ending: LinkEnding, fault: Fault): void {
    if (this.#ended !== undefined) return
    this.#ended = fault
    this.#ending = ending
    for (const pending of [...this.#pending.values()]) {
      this.#forget(pending)
      pending.reject(fault)
    }
    this.#questions.end()
  }
}

const cancelled = (cancellation: Cancellation): Fault =>
  new Fault('upstream.ended', { reason: 'cancelled', why: cancellation.reason })
