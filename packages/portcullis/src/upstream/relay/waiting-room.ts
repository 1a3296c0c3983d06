import type { Outgoing } from '../../core/exchange.ts'
import { jsonLength } from '../../mcp/write-json.ts'

const MAX_MESSAGES = 100
const MAX_LENGTH = 1_048_576

/** Messages for a client that has no stream open. Bounded in number and size; the oldest go first. */
export class WaitingRoom {
  #messages: Array<{ readonly message: Outgoing; readonly length: number }> = []
  #length = 0

  /** Returns what had to go for it: older messages, or this one when it alone is too large. */
  add(message: Outgoing): readonly Outgoing[] {
    const length = jsonLength(message)
    if (length > MAX_LENGTH) return [message]
    const dropped: Outgoing[] = []
    while (this.#messages.length >= MAX_MESSAGES || this.#length + length > MAX_LENGTH) dropped.push(this.#oldest())
    this.#messages.push({ message, length })
    this.#length += length
    return dropped
  }

  /** All that wait, in their order; then none do. */
  empty(): readonly Outgoing[] {
    const messages = this.#messages.map(({ message }) => message)
    this.#messages = []
    this.#length = 0
    return messages
  }

  #oldest(): Outgoing {
    const [first] = this.#messages.splice(0, 1) as [{ message: Outgoing; length: number }]
    this.#length -= first.length
    return first.message
  }
}
