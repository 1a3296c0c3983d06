import { Fault } from '../core/fault.ts'
import type { Notification } from '../mcp/message.ts'
import type { LinkEvents } from './link.ts'

/**
 * Hands messages to one caller in their order, one at a time. What several callers share cannot be paused for one of
 * them, so a caller that is too slow loses its call instead of holding the others up.
 */
export class Delivery {
  readonly #events: LinkEvents
  readonly #maxWaiting: number
  readonly #fail: (thrown: unknown) => void
  #tail: Promise<void> | undefined
  #waiting = 0

  /** `fail` is called for a message that was refused, and with `upstream.too_large` when too many wait. */
  constructor(events: LinkEvents, maxWaiting: number, fail: (thrown: unknown) => void) {
    this.#events = events
    this.#maxWaiting = maxWaiting
    this.#fail = fail
  }

  push(message: Notification): void {
    if (this.#waiting >= this.#maxWaiting) {
      this.#fail(new Fault('upstream.too_large', { reason: 'messages wait', maxWaiting: this.#maxWaiting }))
      return
    }
    const previous = this.#tail
    const taken = previous === undefined ? this.#take(message) : previous.then(() => this.#take(message))
    if (taken === undefined) return
    this.#waiting++
    const tail = taken.then(() => {
      this.#waiting--
      if (this.#tail === tail) this.#tail = undefined
    })
    this.#tail = tail
  }

  /** Calls back when all that was pushed has been taken: at once, without a promise, when nothing waits. */
  after(done: () => void): void {
    if (this.#tail === undefined) done()
    else void this.#tail.then(done)
  }

  #take(message: Notification): Promise<void> | undefined {
    try {
      return this.#events.notify(message)?.catch(this.#fail)
    } catch (thrown) {
      this.#fail(thrown)
      return undefined
    }
  }
}
