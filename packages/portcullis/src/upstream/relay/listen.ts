import type { Answer } from '../../core/exchange.ts'
import { Roster } from '../../core/roster.ts'
import { Audience } from './audience.ts'
import { Follower, marked, Subscription } from './subscription.ts'
import { type Admitted, idOf, namingOf, type RelayParts, refuseAsk, upstreamsOf } from './parts.ts'
import type { Notification } from '../../mcp/message.ts'
import { withoutEnvelope } from './plain-request.ts'
import { allowedWishes, ownWishes, type Wishes } from './wishes.ts'
import { ACKNOWLEDGED } from '../feeds.ts'
import type { Upstream } from '../upstream.ts'

/**
 * Holds subscriptions open: acknowledges what the policy lets through, then passes on what the upstreams report of it,
 * until the client leaves or its credential ends. What is kept of each is what it needs, and nothing of its request.
 */
export class Subscriptions {
  readonly #parts: RelayParts
  readonly #open = new Roster<Subscription>()
  readonly #audiences = new WeakMap<Upstream, Audience>()

  constructor(parts: RelayParts) {
    this.#parts = parts
    parts.ending.onCancel((reason) => {
      for (const subscription of this.#open.members) subscription.cancel(reason)
    })
  }

  async listen(exchange: Admitted): Promise<Answer> {
    const parts = this.#parts
    const { outlet, cancellation } = exchange
    const upstreams = upstreamsOf(parts, exchange)
    await reach(exchange, upstreams)
    const wishes = allowedWishes(parts, exchange, upstreams)
    const id = idOf(exchange)
    await outlet.send(marked({ jsonrpc: '2.0', method: ACKNOWLEDGED, params: { notifications: wishes } }, id))
    const subscription = new Subscription({ id, wishes, outlet, cancellation, open: this.#open })
    for (const upstream of upstreams) this.#follow(exchange, upstream, subscription)
    if (Object.keys(wishes).length === 0) subscription.cancel('client-cancelled')
    if (parts.ending.reason !== undefined) subscription.cancel(parts.ending.reason)
    parts.rest?.(exchange)
    return subscription.answer
  }

  /** Passes on what one upstream reports. On the aggregate path an upstream that fails ends its own part only. */
  #follow(exchange: Admitted, upstream: Upstream, subscription: Subscription): void {
    const { route, principal } = exchange
    const { warn, scopeOf } = this.#parts
    const naming = namingOf(exchange, upstream.name)
    const follower = new Follower({ subscription, upstream, naming, isOnly: route.kind === 'upstream', warn })
    const own = ownWishes(this.#parts, exchange, upstream, subscription.wishes)
    const scope = scopeOf(principal, upstream.name)
    const isAsked = Object.keys(own).length > 0
    const isModern = upstream.era === 'modern'
    follower.enter(this.#audienceOf(upstream), isAsked && !isModern ? scope : undefined)
    if (!isAsked) return
    if (isModern && own.taskIds === undefined) return follower.follow(scope, own)
    const ended = (thrown?: unknown): void => follower.ended(thrown)
    if (isModern) followTasks({ exchange, upstream, scope, own }, follower).then(ended, ended)
    else followLegacy({ exchange, upstream, scope, own }, follower).catch(ended)
  }

  #audienceOf(upstream: Upstream): Audience {
    const known = this.#audiences.get(upstream)
    if (known !== undefined) return known
    const made = new Audience(upstream)
    this.#audiences.set(upstream, made)
    return made
  }
}

/**
 * What an upstream offers is only known once it was reached, and a modern client may begin with this very request. On an
 * upstream's own path its failure is the answer; on the aggregate path the others are listened to.
 */
async function reach({ route }: Admitted, upstreams: readonly Upstream[]): Promise<void> {
  const reached = await Promise.allSettled(upstreams.map((upstream) => upstream.connect()))
  const [first] = reached
  if (route.kind === 'upstream' && first?.status === 'rejected') throw first.reason
}

interface Followed {
  readonly exchange: Admitted
  readonly upstream: Upstream
  readonly scope: string
  readonly own: Wishes
}

/** Tasks are of an extension that this client has declared, and nobody else asks for these. */
async function followTasks({ exchange, upstream, scope, own }: Followed, follower: Follower): Promise<void> {
  const { call, cancellation } = exchange
  const request = { id: idOf(exchange), method: 'subscriptions/listen', params: { ...call.params, notifications: own } }
  const link = await upstream.shared(scope)
  const notify = (message: Notification): void => follower.hear(message)
  await link.request(request, { notify, ask: refuseAsk }, cancellation)
}

/** A legacy upstream reports on its link at any time; resources it has to be told of one by one. */
async function followLegacy({ exchange, upstream, scope, own }: Followed, follower: Follower): Promise<void> {
  const { call, cancellation } = exchange
  const id = idOf(exchange)
  const base = withoutEnvelope(call.params)['_meta']
  const link = await upstream.shared(scope)
  cancellation.onCancel(upstream.retain(link))
  const notify = (message: Notification): void => follower.tell(message)
  for (const uri of own.resourceSubscriptions ?? []) {
    const params = { uri, ...(base !== undefined && { _meta: base }) }
    await link.request(
      { id: `${id}-${uri}`, method: 'resources/subscribe', params },
      { notify, ask: refuseAsk },
      cancellation,
    )
  }
}
