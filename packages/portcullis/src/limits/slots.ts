/**
 * Who may work now and who is next: a bounded number of slots, shared fairly.
 *
 * Whoever waits is served in turn by principal, not by arrival, so that one who queues much does not push others back.
 * The last `reserved` slots are for administrators, who must get in when everybody else has filled the gateway.
 */
export interface SlotRules {
  readonly maxTotal: number
  readonly maxPerPrincipal: number
  /** Of `maxTotal`; a principal that is an administrator may use them. */
  readonly reserved: number
  readonly maxQueued: number
  readonly maxQueuedPerPrincipal: number
}

export interface Ticket {
  readonly principal: string
  readonly administrator: boolean
  /** Called when a slot was given, in the same turn as the release that freed it. */
  readonly admitted: () => void
}

export class Slots {
  readonly #rules: SlotRules
  readonly #held = new Map<string, number>()
  /** Waiting tickets by principal. The map's order is the order of turns. */
  readonly #queues = new Map<string, Ticket[]>()
  #used = 0
  #queued = 0

  /** Throws `RangeError` for rules that would admit nobody. */
  constructor(rules: SlotRules) {
    const { maxTotal, maxPerPrincipal, reserved } = rules
    if (maxPerPrincipal < 1 || maxTotal < 1) throw new RangeError('there must be at least one slot')
    if (reserved < 0 || reserved >= maxTotal) throw new RangeError('fewer slots must be reserved than there are')
    this.#rules = rules
  }

  get used(): number {
    return this.#used
  }

  get queued(): number {
    return this.#queued
  }

  /** Takes a slot at once if there is one and nobody of this principal waits already. */
  take(principal: string, administrator: boolean): boolean {
    if (this.#queues.has(principal) || !this.#fits(principal, administrator)) return false
    this.#occupy(principal)
    return true
  }

  /** Puts a ticket into the queue; false when the queue is full. */
  enqueue(ticket: Ticket): boolean {
    const queue = this.#queues.get(ticket.principal) ?? []
    if (this.#queued >= this.#rules.maxQueued || queue.length >= this.#rules.maxQueuedPerPrincipal) return false
    if (queue.length === 0) this.#queues.set(ticket.principal, queue)
    queue.push(ticket)
    this.#queued++
    return true
  }

  /** Takes a ticket out of the queue, because it waited too long or is not wanted any more. */
  leave(ticket: Ticket): void {
    const queue = this.#queues.get(ticket.principal)
    const at = queue?.indexOf(ticket) ?? -1
    if (queue === undefined || at < 0) return
    queue.splice(at, 1)
    this.#queued--
    if (queue.length === 0) this.#queues.delete(ticket.principal)
  }

  /** Gives a slot back and admits who is next. */
  release(principal: string): void {
    const held = (this.#held.get(principal) ?? 0) - 1
    if (held > 0) this.#held.set(principal, held)
    else this.#held.delete(principal)
    this.#used--
    if (this.#queued > 0) this.#admitNext()
  }

  #admitNext(): void {
    for (const [principal, queue] of this.#queues) {
      const ticket = queue[0]
      if (ticket === undefined || !this.#fits(principal, ticket.administrator)) continue
      this.leave(ticket)
      this.#moveLast(principal, queue)
      this.#occupy(principal)
      ticket.admitted()
      return
    }
  }

  #moveLast(principal: string, queue: Ticket[]): void {
    if (!this.#queues.delete(principal)) return
    this.#queues.set(principal, queue)
  }

  #fits(principal: string, administrator: boolean): boolean {
    const { maxTotal, maxPerPrincipal, reserved } = this.#rules
    const limit = administrator ? maxTotal : maxTotal - reserved
    return this.#used < limit && (this.#held.get(principal) ?? 0) < maxPerPrincipal
  }

  #occupy(principal: string): void {
    this.#held.set(principal, (this.#held.get(principal) ?? 0) + 1)
    this.#used++
  }
}
