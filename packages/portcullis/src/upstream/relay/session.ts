import type { Cancellation } from '../../core/cancellation.ts'
import type { Outgoing, Outlet } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Principal } from '../../core/principal.ts'
import type { Route } from '../../core/route.ts'
import type { Id, Notification, Params, Request, Response } from '../../mcp/message.ts'
import { problemOfAsk } from '../../mcp/police.ts'
import type { Link, LinkClient } from '../link.ts'
import { Journal, type JournalSpace } from './journal.ts'
import { UnpacedStream } from './unpaced-stream.ts'
import { WaitingRoom } from './waiting-room.ts'

/**
 * The session of one legacy client (2025 revisions): its capabilities, its links to upstreams and what is in flight.
 * It belongs to the principal that opened it and is never a proof of who is calling.
 */
export class Session {
  readonly id: string
  readonly principal: Principal
  readonly route: Route
  readonly client: LinkClient
  /** Asked for by `logging/setLevel`; goes on to modern upstreams with each request. */
  logLevel: string | undefined
  lastUsedAt: number
  readonly journal: Journal
  readonly #links = new Map<string, Promise<Link>>()
  readonly #asked = new Map<Id, (response: Response) => void>()
  readonly #inFlight = new Map<Id, Cancellation>()
  readonly #endings = new Set<() => void>()
  readonly #waiting = new WaitingRoom()
  #stream: UnpacedStream | undefined
  #asks = 0
  #ended = false

  constructor(
    id: string,
    principal: Principal,
    route: Route,
    client: LinkClient,
    now: number,
    journalSpace?: JournalSpace,
  ) {
    this.id = id
    this.principal = principal
    this.route = route
    this.client = client
    this.lastUsedAt = now
    this.journal = new Journal(journalSpace)
  }

  get ended(): boolean {
    return this.#ended
  }

  get busy(): boolean {
    return this.#inFlight.size > 0 || this.#stream !== undefined
  }

  belongsTo(principal: Principal, route: Route): boolean {
    return (
      principal.tenant === this.principal.tenant &&
      principal.id === this.principal.id &&
      route.kind === this.route.kind &&
      (route.kind !== 'upstream' || route.upstream === (this.route as { upstream?: string }).upstream)
    )
  }

  /** The link of this session to an upstream, opened at first use. A link that failed or ended is opened anew. */
  async link(upstream: string, open: () => Promise<Link>): Promise<Link> {
    for (;;) {
      if (this.#ended) throw new Fault('session.unknown')
      const known = this.#links.get(upstream)
      const link = await known?.catch(() => undefined)
      if (link !== undefined && !link.closed) return link
      // Whoever finds first that there is none opens it; the others find that one, so that none is left over.
      if (this.#links.get(upstream) === known && !this.#ended) {
        const opening = open()
        this.#links.set(upstream, opening)
        return opening
      }
    }
  }

  /** The links that stand or are being opened; those that failed are left out. */
  async openLinks(): Promise<readonly Link[]> {
    const links = await Promise.allSettled(this.#links.values())
    return links.flatMap((link) => (link.status === 'fulfilled' && !link.value.closed ? [link.value] : []))
  }

  /** Registers a call so that `notifications/cancelled` finds it. Returns a function that forgets it. */
  begin(id: Id, cancellation: Cancellation): () => void {
    this.#inFlight.set(id, cancellation)
    return () => {
      if (this.#inFlight.get(id) === cancellation) this.#inFlight.delete(id)
    }
  }

  cancel(id: Id): void {
    this.#inFlight.get(id)?.cancel('client-cancelled')
  }

  /**
   * Puts an upstream's request before the client, on the stream of the call that caused it or on the session's own.
   * What the client did not declare is refused here, on behalf of the client. The question ends with the client's answer
   * or with any of `endings`: its call, or an upstream that takes it back.
   */
  ask(request: Request, outlet?: Outlet, ...endings: ReadonlyArray<Cancellation | undefined>): Promise<Response> {
    const { id } = request
    if (request.method === 'ping') return Promise.resolve({ jsonrpc: '2.0', id, result: {} })
    const problem = problemOfAsk(request.method, request.params ?? {}, this.client.capabilities)
    if (problem !== undefined) return Promise.resolve(refusal(id, problem))
    if (this.#ended) return Promise.resolve(refusal(id, 'the session has ended'))
    if (endings.some((ending) => ending?.cancelled)) return Promise.resolve(refusal(id, 'the call has ended'))
    const ours = `portcullis-${++this.#asks}`
    const message = { ...request, id: ours }
    return new Promise((resolve) => {
      const forget: Array<() => void> = []
      this.#asked.set(ours, (response) => {
        for (const each of forget) each()
        resolve({ ...response, id })
      })
      if (outlet === undefined) this.send(message)
      else void outlet.send(message)
      for (const ending of endings) if (ending) forget.push(ending.onCancel(() => this.#takeBack(ours, outlet)))
    })
  }

  /** A question that nobody waits for any more: the client is told so (2025-11-25, "Cancellation"). */
  #takeBack(id: string, outlet: Outlet | undefined): void {
    if (!this.settle(refusal(id, 'the question was taken back'))) return
    const message: Outgoing = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }
    if (outlet === undefined) this.send(message)
    else void outlet.send(message)
  }

  /** A response that the client posted. False when nothing was asked under this id. */
  settle(response: Response): boolean {
    const id = response.id
    const resolve = id === undefined ? undefined : this.#asked.get(id)
    if (id === undefined || resolve === undefined) return false
    this.#asked.delete(id)
    resolve(response)
    return true
  }

  /** Sends on the session's own stream, or keeps the message until the client opens it. */
  send(message: Outgoing | Notification): void {
    if (this.#stream !== undefined) return this.#stream.send(message)
    for (const { id } of this.#waiting.add(message)) {
      if (typeof id === 'string') this.settle(refusal(id, 'the client takes no messages'))
    }
  }

  /** Makes `outlet` the session's own stream; resolves when it ends. A client that comes back replaces its old stream. */
  attach(outlet: Outlet, departure: Cancellation): Promise<void> {
    this.#stream?.end()
    if (this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      const ended = (): void => {
        if (this.#stream === stream) this.#stream = undefined
        resolve()
      }
      const stream = new UnpacedStream(outlet, { ended })
      this.#stream = stream
      outlet.open()
      for (const message of this.#waiting.empty()) stream.send(message)
      departure.onCancel(() => stream.end())
    })
  }

  /** Calls `listener` when the session ends, at once if it has ended. Returns a function that forgets it. */
  onEnd(listener: () => void): () => void {
    if (this.#ended) listener()
    else this.#endings.add(listener)
    return () => this.#endings.delete(listener)
  }

  /** Ends streams, calls, questions and links. Idempotent. */
  end(reason: 'client-left' | 'revoked' | 'shutdown' = 'client-left'): void {
    if (this.#ended) return
    this.#ended = true
    this.#stream?.end()
    for (const cancellation of [...this.#inFlight.values()]) cancellation.cancel(reason)
    for (const id of [...this.#asked.keys()]) this.settle(refusal(id, 'the session has ended'))
    this.#waiting.empty()
    this.journal.close()
    for (const link of this.#links.values()) link.then((open) => open.close()).catch(() => {})
    for (const listener of this.#endings) listener()
  }
}

const refusal = (id: Id, reason: string): Response => ({
  jsonrpc: '2.0',
  id,
  error: { code: -32601, message: `Refused by the gateway: ${reason}.` },
})

/** What a client says of itself in `initialize`. */
export const clientOf = (params: Params, version: string): LinkClient => ({
  info: (params['clientInfo'] ?? {}) as Params,
  capabilities: (params['capabilities'] ?? {}) as Params,
  version,
})
