import { Cancellation } from '../../core/cancellation.ts'
import { Fault } from '../../core/fault.ts'
import { isRecord, type Notification, type Params } from '../../mcp/message.ts'
import { META } from '../../mcp/meta.ts'
import { ownNames, renameUri } from '../../mcp/naming.ts'
import { namingOf, type RelayParts, type SessionListening, type SubscribedSession } from './parts.ts'
import type { Session } from './session.ts'
import { ACKNOWLEDGED, type Hearer } from '../feeds.ts'
import type { Upstream } from '../upstream.ts'

/** The listeners of all sessions; each goes with its session. */
export class SessionListeners implements SessionListening {
  readonly #listeners = new WeakMap<Session, Map<string, SessionListener>>()

  of(parts: RelayParts, session: Session, upstream: Upstream): SessionListener {
    const own = this.#listeners.get(session) ?? new Map<string, SessionListener>()
    this.#listeners.set(session, own)
    const listener = own.get(upstream.name) ?? new SessionListener(parts, session, upstream)
    own.set(upstream.name, listener)
    return listener
  }
}

const MAX_URIS = 1_000
const FIRST_WAIT_MS = 1_000
const MAX_WAIT_MS = 60_000

/**
 * What a legacy client expects to hear from a modern upstream without asking: list changes, and updates of the resources
 * it subscribed to. The gateway listens on its behalf, listens anew when the subscriptions change, and comes back to an
 * upstream that ended the subscription, ever more slowly.
 */
export class SessionListener implements SubscribedSession {
  readonly #parts: RelayParts
  readonly #session: Session
  readonly #upstream: Upstream
  readonly #uris = new Set<string>()
  #current: Cancellation | undefined
  #retry: NodeJS.Timeout | undefined
  #waitMs = FIRST_WAIT_MS

  constructor(parts: RelayParts, session: Session, upstream: Upstream) {
    this.#parts = parts
    this.#session = session
    this.#upstream = upstream
    session.onEnd(() => {
      clearTimeout(this.#retry)
      this.#current?.cancel('client-left')
    })
  }

  /** Throws `message.invalid_params` when there are too many. */
  subscribe(uri: string): void {
    if (this.#uris.size >= MAX_URIS && !this.#uris.has(uri)) {
      throw new Fault('message.invalid_params', { uris: MAX_URIS }, { says: 'Too many subscriptions.' })
    }
    this.#uris.add(uri)
    this.#restart()
  }

  unsubscribe(uri: string): void {
    if (this.#uris.delete(uri)) this.#restart()
  }

  /** Starts listening unless it is under way. */
  start(): void {
    if (this.#current === undefined) this.#restart()
  }

  /** The old subscription ends when the new one stands: a notice heard twice does no harm, one that is missed does. */
  #restart(): void {
    if (this.#session.ended) return
    clearTimeout(this.#retry)
    const previous = this.#current
    const current = new Cancellation()
    this.#current = current
    const replaced = (): void => previous?.cancel('client-cancelled')
    this.#listen(current, replaced)
      .catch(() => {
        if (!current.cancelled)
          this.#parts.warn('a session lost the subscription at its upstream', { upstream: this.#upstream.name })
      })
      .finally(() => {
        replaced()
        if (this.#current === current) this.#again()
      })
  }

  #again(): void {
    this.#current = undefined
    if (this.#session.ended) return
    this.#retry = setTimeout(() => this.start(), this.#waitMs).unref()
    this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS)
  }

  /** Sessions of one scope that listen for the same share the subscription; resolves when it has ended, or is not wanted any more. */
  async #listen(current: Cancellation, stands: () => void): Promise<void> {
    const upstream = this.#upstream
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      ...(this.#uris.size > 0 && { resourceSubscriptions: [...this.#uris].toSorted() }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const hearer: Hearer = {
      hear: (message) => {
        // What its stream refuses is lost; it listens anew after that.
        if (message.method !== ACKNOWLEDGED) return void this.#pass(message).catch(() => current.cancel('client-left'))
        this.#waitMs = FIRST_WAIT_MS
        stands()
      },
      ended: (thrown) => (thrown === undefined ? resolve() : reject(thrown)),
    }
    const feed = await upstream.listen(
      this.#parts.scopeOf(this.#session.principal, upstream.name),
      notifications,
      hearer,
    )
    current.onCancel(() => {
      feed.leave(hearer)
      resolve()
    })
    return promise
  }

  async #pass(message: Notification): Promise<void> {
    if (message.method === 'notifications/tools/list_changed') await this.#upstream.catalogue.refresh()
    this.#session.send({ ...message, params: withoutSubscription(this.#renamed(message.params ?? {})) })
  }

  #renamed(params: Params): Params {
    const naming = namingOf({ route: this.#session.route, resource: '' }, this.#upstream.name)
    return naming === ownNames ? params : renameUri(params, naming)
  }
}

function withoutSubscription(params: Params): Params {
  if (!isRecord(params['_meta'])) return params
  const { [META.subscriptionId]: _id, ...meta } = params['_meta']
  return { ...params, _meta: meta }
}
