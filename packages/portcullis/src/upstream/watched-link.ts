import type { Cancellation } from '../core/cancellation.ts'
import type { Era, Notification, Response } from '../mcp/message.ts'
import type { LinkEnding, LinkEvents, LinkRequest, ManagedLink, ServerFacts } from './link.ts'
import type { CallWatch } from './stdio-process.ts'

/**
 * A link that tells which calls are under way, so that what its process does can be told to be of one of them. A response
 * waits until what the call did is known; a failure does not, because its caller may have left.
 */
export class WatchedLink implements ManagedLink {
  readonly #link: ManagedLink
  readonly #calls: CallWatch

  constructor(link: ManagedLink, calls: CallWatch) {
    this.#link = link
    this.#calls = calls
  }

  get era(): Era {
    return this.#link.era
  }

  get server(): ServerFacts {
    return this.#link.server
  }

  get closed(): boolean {
    return this.#link.closed
  }

  get inFlight(): number {
    return this.#link.inFlight
  }

  get ending(): LinkEnding | undefined {
    return this.#link.ending
  }

  async request(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    const { incident } = request
    if (incident === undefined) return this.#link.request(request, events, cancellation)
    this.#calls.begin(incident)
    let response: Response
    try {
      response = await this.#link.request(request, events, cancellation)
    } catch (thrown) {
      void this.#calls.end(incident).catch(() => {})
      throw thrown
    }
    await this.#calls.end(incident)
    return response
  }

  notify(notification: Notification): Promise<void> {
    return this.#link.notify(notification)
  }

  close(): Promise<void> {
    return this.#link.close()
  }
}
