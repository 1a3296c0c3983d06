import { Cancellation } from '../core/cancellation.ts'
import { canonicalJson } from '../mcp/canonical.ts'
import type { Notification, Params } from '../mcp/message.ts'
import type { Link, LinkEvents } from './link.ts'

/** Hears what a subscription reports. It cannot hold the others up; when it throws it has heard its last. */
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
   * the faults of `Link.request`, and with what `hear` has thrown. `params` are those of `subscriptions/listen`.
   */
  join(link: Link, params: Params, hear: Hear, cancellation: Cancellation): Promise<void> {
    const key = canonicalJson(params)
    let ofLink = this.#feeds.get(link)
    if (ofLink === undefined) this.#feeds.set(link, (ofLink = new Map()))
    let feed = ofLink.get(key)
    if (feed === undefined) {
      const all = ofLink
      // The end of one that everybody has left must not take away the one that was opened since.
      const made = new Feed(() => all.get(key) === made && all.delete(key))
      all.set(key, made)
      made.open(link, params)
      feed = made
    }
    return feed.join(hear, cancellation)
  }
}

class Feed {
  readonly #members = new Set<Member>()
  readonly #cancellation = new Cancellation()
  readonly #over: () => void

  /** @param over called as soon as nobody can join any more, and once more when the upstream has answered */
  constructor(over: () => void) {
    this.#over = over
  }

  open(link: Link, params: Params): void {
    const events: LinkEvents = {
      notify: (message) => {
        for (const member of this.#members) this.#tell(member, message)
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

  /** The others hear it all the same: they share the upstream's stream, not the mistakes of one listener. */
  #tell(member: Member, message: Notification): void {
    try {
      member.hear(message)
    } catch (thrown) {
      this.#leave(member, () => member.reject(thrown))
    }
  }

  #leave(member: Member, tell: () => void = member.resolve): void {
    if (!this.#members.delete(member)) return
    tell()
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
