/** Decides what is kept of one client that listens, what of an upstream's reports it is told, and how it ends. */
import type { Cancellation, CancelReason } from '../../core/cancellation.ts'
import type { Answer, Outgoing, Outlet } from '../../core/exchange.ts'
import { LastingStream } from '../../core/lasting.ts'
import type { Roster, Seat } from '../../core/roster.ts'
import { type Id, isRecord, type Notification } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { type Naming, renameUri } from '../../mcp/naming.ts'
import type { Audience, AudienceMember } from './audience.ts'
import type { RelayParts } from './parts.ts'
import { type Over, UnpacedStream } from './unpaced-stream.ts'
import { isWished, type Wishes } from './wishes.ts'
import { ACKNOWLEDGED, type Feed } from '../feeds.ts'
import type { Upstream } from '../upstream.ts'

export interface SubscriptionOptions {
  /** Of the request; each message names it. */
  readonly id: Id
  readonly wishes: Wishes
  readonly outlet: Outlet
  /** Ends the subscription when it fires. */
  readonly cancellation: Cancellation
  /** Where it has its place for as long as it lasts. */
  readonly open: Roster<Subscription>
}

/** One `subscriptions/listen` of one client (MCP 2026-07-28, "Subscriptions"). */
export class Subscription implements Over {
  readonly wishes: Wishes
  readonly #id: Id
  readonly #cancellation: Cancellation
  readonly #open: Roster<Subscription>
  readonly #seat: Seat<Subscription>
  readonly #stream: UnpacedStream
  readonly #lasting = new LastingStream()
  #followers: readonly Follower[] = NOBODY

  constructor({ id, wishes, outlet, cancellation, open }: SubscriptionOptions) {
    this.wishes = wishes
    this.#id = id
    this.#cancellation = cancellation
    this.#open = open
    this.#seat = open.enter(this)
    // What comes without a request cannot be held up for one client.
    this.#stream = new UnpacedStream(outlet, this)
    cancellation.onCancel(() => this.#close())
  }

  get isOver(): boolean {
    return this.#cancellation.cancelled
  }

  /** Settles when the subscription has ended. */
  get answer(): Answer {
    return { status: 200, lasting: this.#lasting }
  }

  cancel(reason: CancelReason): void {
    this.#cancellation.cancel(reason)
  }

  /** The client does not read what it is told. */
  ended(): void {
    this.cancel('client-left')
  }

  /** To be left when the subscription ends. */
  add(follower: Follower): void {
    if (this.isOver) follower.leave()
    else this.#followers = this.#followers.concat(follower)
  }

  /** Sends what was asked for, and nothing else. */
  tell(message: Notification): void {
    if (!this.isOver && isWished(message, this.wishes)) this.#stream.send(marked(message, this.#id))
  }

  #close(): void {
    this.#open.leave(this.#seat)
    for (const follower of this.#followers) follower.leave()
    this.#followers = NOBODY
    const id = this.#id
    const result = { resultType: 'complete', _meta: { [META.subscriptionId]: id } }
    this.#lasting.end({ status: 200, message: { jsonrpc: '2.0', id, result } })
  }
}

const NOBODY: readonly never[] = []

export interface FollowerOptions {
  readonly subscription: Subscription
  readonly upstream: Upstream
  readonly naming: Naming
  /** There is no other upstream: without it, the client would wait in vain. */
  readonly isOnly: boolean
  readonly warn: RelayParts['warn']
}

/** What one subscription hears of one upstream. */
export class Follower implements AudienceMember {
  readonly #subscription: Subscription
  readonly #upstream: Upstream
  readonly #naming: Naming
  readonly #isOnly: boolean
  readonly #warn: RelayParts['warn']
  #scope: string | undefined
  #audience: Audience | undefined
  #seat: Seat<AudienceMember> | undefined
  #feed: Feed | undefined

  constructor({ subscription, upstream, naming, isOnly, warn }: FollowerOptions) {
    this.#subscription = subscription
    this.#upstream = upstream
    this.#naming = naming
    this.#isOnly = isOnly
    this.#warn = warn
  }

  get scope(): string | undefined {
    return this.#scope
  }

  /** Hears what all are told, and what an upstream of the legacy era says on the links of `scope`. */
  enter(audience: Audience, scope: string | undefined): void {
    this.#scope = scope
    this.#audience = audience
    this.#seat = audience.enter(this)
    this.#subscription.add(this)
  }

  /** Hears what an upstream of the modern era reports of `notifications`. */
  follow(scope: string, notifications: Wishes): void {
    const joined = (feed: Feed): void => {
      this.#feed = feed
      if (this.#subscription.isOver) this.leave()
    }
    try {
      const feed = this.#upstream.listen(scope, { ...notifications }, this)
      if (feed instanceof Promise) feed.then(joined, (thrown: unknown) => this.ended(thrown))
      else joined(feed)
    } catch (thrown) {
      this.ended(thrown)
    }
  }

  /** What a modern upstream reports to whoever subscribed: its list of tools is read before others hear that it changed. */
  hear(message: Notification): void {
    if (message.method === ACKNOWLEDGED) return
    if (message.method !== 'notifications/tools/list_changed') return this.tell(message)
    void this.#upstream.catalogue.refresh().then(() => this.tell(message))
  }

  tell(message: Notification): void {
    const { params } = message
    this.#subscription.tell(isRecord(params) ? { ...message, params: renameUri(params, this.#naming) } : message)
  }

  ended(_thrown?: unknown): void {
    if (this.#subscription.isOver) return
    this.#warn('a subscription lost its upstream', { upstream: this.#upstream.name })
    // Told the end, it listens anew. With several upstreams the others go on.
    if (this.#isOnly) this.#subscription.cancel('upstream-ended')
  }

  /** Idempotent. */
  leave(): void {
    if (this.#seat !== undefined) this.#audience?.leave(this.#seat)
    this.#feed?.leave(this)
  }
}

export function marked(message: Notification, id: Id): Outgoing {
  const meta = isRecord(message.params?.['_meta']) ? message.params['_meta'] : {}
  return { ...message, params: { ...message.params, _meta: { ...meta, [META.subscriptionId]: id } } }
}
