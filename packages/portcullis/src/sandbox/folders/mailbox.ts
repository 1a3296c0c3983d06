/** What the thread sends, in order, and never so much at a time that the main thread would pause over it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FromThread } from './messages.ts'

const ACCESSES_AT_ONCE = 100
const PAUSE_MS = 2

export class Mailbox {
  readonly #post: (message: FromThread) => void
  readonly #waiting: FromThread[] = []
  #isSending = false

  constructor(post: (message: FromThread) => void) {
    this.#post = post
  }

  /** Limits that were passed overtake everything. */
  send(message: FromThread): void {
    if (message.kind === 'exceeded') return this.#post(message)
    if (message.kind === 'accesses') this.#waiting.push(...slicesOf(message))
    else this.#waiting.push(message)
    if (!this.#isSending) void this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      this.#post(message)
      if (message.kind === 'accesses' && message.accesses.length === ACCESSES_AT_ONCE) await sleep(PAUSE_MS)
    }
    this.#isSending = false
  }
}

function slicesOf({ session, accesses }: Extract<FromThread, { kind: 'accesses' }>): readonly FromThread[] {
  const count = Math.ceil(accesses.length / ACCESSES_AT_ONCE)
  return Array.from({ length: count }, (_, slice) => ({
    kind: 'accesses',
    session,
    accesses: accesses.slice(slice * ACCESSES_AT_ONCE, (slice + 1) * ACCESSES_AT_ONCE),
  }))
}
