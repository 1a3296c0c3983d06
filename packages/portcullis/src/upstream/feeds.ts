import { Cancellation } from '../core/cancellation.ts'
import { canonicalJson } from '../mcp/canonical.ts'
import type { Notification, Params } from '../mcp/message.ts'
import type { Link, LinkEvents } from './link.ts'

/** The first message of each subscription. */
export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

/** One who listens. */
export interface Hearer {
  /** Hears what a subscription reports. It cannot hold the others up; when it throws it has heard its last. */
  hear(message: Notification): void
  /** Hears that the upstream ended the subscription, or with what fault it failed, or what `hear` has thrown. */
  ended(thrown?: unknown): void
}

/**
 * One subscription at an upstream serves all who listen for the same on one link: a thousand idle clients cost the
 * upstream one stream. Links of different credentials are different links, so nobody hears on another's credential.
 */
export class Feeds {
  readonly #feeds = new WeakMap<Link, Map<string, Feed>>()

  /** Listens until the hearer leaves the feed or hears of its end. `params` are those of `subscriptions/listen`. */
  join(link: Link, params: Params, hearer: Hearer): Feed {
    const key = canonicalJson(params)
    let ofLink = this.#feeds.get(link)
    if (ofLink === undefined) this.#feeds.set(link, (ofLink = new Map()))
    const known = ofLink.get(key)
    if (known !== undefined) {
      known.join(hearer)
      return known
    }
    const all = ofLink
    // The end of one that everybody has left must not take away the one that was opened since.
    const feed = new Feed(() => all.get(key) === feed && all.delete(key))
    all.set(key, feed)
    feed.join(hearer)
    feed.open(link, params)
    return feed
  }
}

/** A subscription and those who hear of it. */
export class Feed {
  readonly #hearers = new Set<Hearer>()
  readonly #cancellation = new Cancellation()
  readonly #over: () => void
  /** What the upstream has said of it first. */
  #acknowledged: Notification | undefined

  /** @param over called as soon as nobody can join any more, and once more when the upstream has answered */
  constructor(over: () => void) {
    this.#over = over
  }

  open(link: Link, params: Params): void {
    const events: LinkEvents = {
      notify: (message) => {
        if (message.method === ACKNOWLEDGED) this.#acknowledged = message
        for (const hearer of this.#hearers) this.#tell(hearer, message)
      },
      ask: () => Promise.reject(new Error('a subscription asks nothing')),
    }
    link.request({ id: 'feed', method: 'subscriptions/listen', params }, events, this.#cancellation).then(
      () => this.#end((hearer) => hearer.ended()),
      (fault: unknown) => this.#end((hearer) => hearer.ended(fault)),
    )
  }

  /** Who comes late hears of the acknowledgement too. */
  join(hearer: Hearer): void {
    this.#hearers.add(hearer)
    if (this.#acknowledged !== undefined) this.#tell(hearer, this.#acknowledged)
  }

  /** Idempotent. The last to leave ends the subscription. */
  leave(hearer: Hearer): void {
    if (!this.#hearers.delete(hearer) || this.#hearers.size > 0) return
    this.#over()
    this.#cancellation.cancel('client-left')
  }

  /** The others hear it all the same: they share the upstream's stream, not the mistakes of one listener. */
  #tell(hearer: Hearer, message: Notification): void {
    try {
      hearer.hear(message)
    } catch (thrown) {
      this.leave(hearer)
      hearer.ended(thrown)
    }
  }

  #end(tell: (hearer: Hearer) => void): void {
    this.#over()
    const hearers = [...this.#hearers]
    this.#hearers.clear()
    for (const hearer of hearers) tell(hearer)
  }
}
