import type { Outgoing, Outlet } from '../../core/exchange.ts'
import { jsonLength } from '../../mcp/write-json.ts'

/** What may wait for a client that does not read, in messages and in characters of JSON. */
const MAX_UNREAD = 256
const MAX_UNREAD_LENGTH = 4_194_304

/** Told that nothing more can be sent. */
export interface Over {
  ended(): void
}

/**
 * A stream to a client whose senders do not wait, because what they report concerns others too. A client that does not
 * read loses the stream instead of filling the memory; it can open a new one.
 */
export class UnpacedStream {
  readonly #outlet: Outlet
  readonly #over: Over
  #unread = 0
  #unreadLength = 0
  #ended = false

  /** @param over told once, when the stream ends */
  constructor(outlet: Outlet, over: Over) {
    this.#outlet = outlet
    this.#over = over
  }

  send(message: Outgoing): void {
    if (this.#ended) return
    const taken = this.#outlet.send(message)
    if (taken === undefined) return
    const length = jsonLength(message)
    this.#unread++
    this.#unreadLength += length
    if (this.#unread > MAX_UNREAD || this.#unreadLength > MAX_UNREAD_LENGTH) return this.end()
    const read = (): void => {
      this.#unread--
      this.#unreadLength -= length
    }
    taken.then(read, read)
  }

  /** Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#over.ended()
  }
}
