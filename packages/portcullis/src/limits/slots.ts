/**
 * Who may work now and who is next: a bounded number of slots, shared fairly.
 *
 * Whoever waits is served in turn, not by arrival: first by tenant, and of a tenant by principal. So neither a tenant with
 * many principals nor a principal that queues much pushes others back. In a full queue, whoever waits most gives way to
 * whoever waits less. The last `reserved` slots are for administrators,
 * who must get in when everybody else has filled the gateway.
 */
export interface SlotRules {
  readonly maxTotal: number
  readonly maxPerPrincipal: number
  /** Of `maxTotal`; a principal that is an administrator may use them. */
  readonly reserved: number
  readonly maxQueued: number
  readonly maxQueuedPerPrincipal: number
}

/** Whom a slot is for. Principals of different tenants are never the same. */
export interface Holder {
  readonly tenant: string
  readonly principal: string
}

export interface Ticket extends Holder {
  readonly administrator: boolean
  /** Called when a slot was given, in the same turn as the release that freed it. */
  readonly admitted: () => void
  /** Called when its place in a full queue was given to somebody who waits less. */
  readonly displaced: () => void
}

export class Slots {
  readonly #rules: SlotRules
  readonly #held = new Map<string, number>()
  /** Waiting tickets by tenant and principal. The order of the maps is the order of turns. */
  readonly #tenants = new Map<string, Map<string, Ticket[]>>()
  readonly #queuedOf = new Map<string, number>()
  #maxTotal: number
  #used = 0
  #queued = 0

  /** Throws `RangeError` for rules that would admit nobody. */
  constructor(rules: SlotRules) {
    const { maxTotal, maxPerPrincipal, reserved } = rules
    if (maxPerPrincipal < 1 || maxTotal < 1) throw new RangeError('there must be at least one slot')
    if (reserved < 0 || reserved >= maxTotal) throw new RangeError('fewer slots must be reserved than there are')
    this.#rules = rules
    this.#maxTotal = maxTotal
  }

  get used(): number {
    return this.#used
  }

  get queued(): number {
    return this.#queued
  }

  /** Part of the queue that is full, from 0 to 1. */
  get fullness(): number {
    return this.#rules.maxQueued === 0 ? 0 : this.#queued / this.#rules.maxQueued
  }

  /** Changes how many slots there are, which stay more than are reserved; work under way goes on. */
  resize(maxTotal: number): void {
    this.#maxTotal = Math.max(this.#rules.reserved + 1, maxTotal)
    while (this.#queued > 0 && this.#admitNext());
  }

  /** Takes a slot at once if there is one and nobody of this principal waits already. */
  take(holder: Holder, administrator: boolean): boolean {
    if (this.#tenants.get(holder.tenant)?.has(holder.principal) || !this.#fits(holder, administrator)) return false
    this.#occupy(holder)
    return true
  }

  /** Puts a ticket into the queue; false when the queue is full. */
  enqueue(ticket: Ticket): boolean {
    const { tenant, principal } = ticket
    const waiting = this.#tenants.get(tenant)?.get(principal)?.length ?? 0
    if (waiting >= this.#rules.maxQueuedPerPrincipal) return false
    if (this.#queued >= this.#rules.maxQueued && !this.#makeRoom(tenant, waiting)) return false
    const queues = this.#tenants.get(tenant) ?? new Map<string, Ticket[]>()
    const queue = queues.get(principal) ?? []
    if (queue.length === 0) this.#tenants.set(tenant, queues.set(principal, queue))
    queue.push(ticket)
    this.#count(tenant, 1)
    return true
  }

  /** Of the tenant that waits most, or of the newcomer's own, the last one of the principal that waits most gives way. */
  #makeRoom(tenant: string, waiting: number): boolean {
    const [most = tenant, count = 0] = mostOf(this.#queuedOf)
    const from = count > (this.#queuedOf.get(tenant) ?? 0) + 1 ? most : tenant
    const [, queue = []] = mostOf(this.#tenants.get(from) ?? new Map<string, Ticket[]>(), (one) => one.length)
    if (from === tenant && queue.length <= waiting + 1) return false
    const last = queue.findLast(({ administrator }) => !administrator)
    if (last === undefined) return false
    this.leave(last)
    last.displaced()
    return true
  }

  #count(tenant: string, change: 1 | -1): void {
    this.#queued += change
    const count = (this.#queuedOf.get(tenant) ?? 0) + change
    if (count > 0) this.#queuedOf.set(tenant, count)
    else this.#queuedOf.delete(tenant)
  }

  /** Takes a ticket out of the queue, because it waited too long or is not wanted any more. */
  leave(ticket: Ticket): void {
    const { tenant, principal } = ticket
    const queues = this.#tenants.get(tenant)
    const queue = queues?.get(principal)
    const at = queue?.indexOf(ticket) ?? -1
    if (queues === undefined || queue === undefined || at < 0) return
    queue.splice(at, 1)
    this.#count(tenant, -1)
    if (queue.length === 0) queues.delete(principal)
    if (queues.size === 0) this.#tenants.delete(tenant)
  }

  /** Gives a slot back and admits who is next. */
  release(holder: Holder): void {
    const name = nameOf(holder)
    const held = (this.#held.get(name) ?? 0) - 1
    if (held > 0) this.#held.set(name, held)
    else this.#held.delete(name)
    this.#used--
    if (this.#queued > 0) this.#admitNext()
  }

  #admitNext(): boolean {
    for (const [tenant, queues] of this.#tenants) {
      for (const [principal, queue] of queues) {
        const ticket = queue[0]
        if (ticket === undefined || !this.#fits(ticket, ticket.administrator)) continue
        this.leave(ticket)
        moveLast(queues, principal)
        moveLast(this.#tenants, tenant)
        this.#occupy(ticket)
        ticket.admitted()
        return true
      }
    }
    return false
  }

  #fits(holder: Holder, administrator: boolean): boolean {
    const { maxPerPrincipal, reserved } = this.#rules
    const limit = administrator ? this.#maxTotal : this.#maxTotal - reserved
    return this.#used < limit && (this.#held.get(nameOf(holder)) ?? 0) < maxPerPrincipal
  }

  #occupy(holder: Holder): void {
    const name = nameOf(holder)
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1)
    this.#used++
  }
}

const nameOf = ({ tenant, principal }: Holder): string => `${tenant}\n${principal}`

function mostOf<Value>(all: ReadonlyMap<string, Value>, sizeOf: (value: Value) => number = Number) {
  let most: readonly [name: string, value: Value] | readonly [] = []
  for (const one of all) if (most.length === 0 || sizeOf(one[1]) > sizeOf(most[1])) most = one
  return most
}

/** The last turn is for whoever just had one; who waits no more has none. */
function moveLast<Value>(turns: Map<string, Value>, name: string): void {
  const value = turns.get(name)
  if (value === undefined) return
  turns.delete(name)
  turns.set(name, value)
}
