/** Tickets that are good once and for a while. What is not in here any more was used, is too old, or had to make room. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'

export class SingleUse {
  /** In the order of their issue, so the oldest stand first. */
  readonly #tickets = new Map<string, { readonly owner: string; readonly until: number }>()
  readonly #each = new Map<string, number>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #max: number
  readonly #maxEach: number

  constructor(clock: Clock, ttlMs: number, max: number, maxEach: number) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#max = max
    this.#maxEach = maxEach
  }

  /** Throws `limits.concurrency` when `owner`, or all together, have too many that nobody has used yet. */
  issue(owner: string): string {
    this.#forget()
    const own = this.#each.get(owner) ?? 0
    if (own >= this.#maxEach || this.#tickets.size >= this.#max)
      throw new Fault('limits.concurrency', { waiting: this.#tickets.size, own })
    const ticket = randomUUID()
    this.#tickets.set(ticket, { owner, until: this.#clock.now() + this.#ttlMs })
    this.#each.set(owner, own + 1)
    return ticket
  }

  /** Uses a ticket up. False when it is not good. */
  take(ticket: string): boolean {
    this.#forget()
    return this.#remove(ticket)
  }

  #forget(): void {
    const now = this.#clock.now()
    for (const [ticket, { until }] of this.#tickets) {
      if (until > now) return
      this.#remove(ticket)
    }
  }

  #remove(ticket: string): boolean {
    const found = this.#tickets.get(ticket)
    if (found === undefined) return false
    this.#tickets.delete(ticket)
    const left = (this.#each.get(found.owner) ?? 1) - 1
    if (left === 0) this.#each.delete(found.owner)
    else this.#each.set(found.owner, left)
    return true
  }
}
