import { Cancellation } from '../core/cancellation.ts'
import { canonicalJson } from '../mcp/canonical.ts'
import type { Notification, Params } from '../mcp/message.ts'
import type { Link, LinkEvents } from './link.ts'

/** Hears what a subscription reports. Must not throw, and cannot hold the others up. */
export type Hear = (message: Notification) => void

interface Member {
  readonly hear: Hear
  readonly resolve: () => void
  readonly reject: (fault: unknown) => void
}

/**
 * One subscription at an upstream serves all who listen for the same on one link: a thousand idle clients cost the
 * upstream one stream. Links of different credentials are different links, so nobody hears on another's credential.
 */
export class Feeds {
  readonly #feeds = new WeakMap<Link, Map<string, Feed>>()

  /**
   * Listens until `cancellation` fires or the upstream ends the subscription; then the promise resolves. It rejects with
   * the faults of `Link.request`. `params` are those of `subscriptions/listen`.
   */
  join(link: Link, params: Params, hear: Hear, cancellation: Cancellation): Promise<void> {
    const key = canonicalJson(params)
    let ofLink = this.#feeds.get(link)
    if (ofLink === undefined) this.#feeds.set(link, (ofLink = new Map()))
    let feed = ofLink.get(key)
    if (feed === undefined) {
      const all = ofLink
      feed = new Feed(() => all.delete(key))
      all.set(key, feed)
      feed.open(link, params)
    }
    return feed.join(hear, cancellation)
  }
}

class Feed {
  readonly #members = new Set<Member>()
  readonly #cancellation = new Cancellation()
  readonly #over: () => void

  /** @param over called once, as soon as nobody can join any more */
  constructor(over: () => void) {
    this.#over = over
  }

  open(link: Link, params: Params): void {
    const events: LinkEvents = {
      notify: (message) => {
        for (const { hear } of this.#members) hear(message)
      },
      ask: () => Promise.reject(new Error('a subscription asks nothing')),
    }
    link.request({ id: 'feed', method: 'subscriptions/listen', params }, events, this.#cancellation).then(
      () => this.#end(({ resolve }) => resolve()),
      (fault: unknown) => this.#end(({ reject }) => reject(fault)),
    )
  }

  join(hear: Hear, cancellation: Cancellation): Promise<void> {
    return new Promise((resolve, reject) => {
      const member = { hear, resolve, reject }
      this.#members.add(member)
      cancellation.onCancel(() => this.#leave(member))
    })
  }

  #leave(member: Member): void {
    if (!this.#members.delete(member)) return
    member.resolve()
    if (this.#members.size > 0) return
    this.#over()
    this.#cancellation.cancel('client-left')
  }

  #end(tell: (member: Member) => void): void {
    this.#over()
    const members = [...this.#members]
    this.#members.clear()
    for (const member of members) tell(member)
  }
}
