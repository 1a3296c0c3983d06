/** Who was asked to connect what, and who is on the way to an authorization server. Each is good once and for a short time. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Holder } from '../access/holder.ts'
import type { Wanted } from '../access/not-connected.ts'
import type { Departure } from './flow.ts'

/** An invitation to connect, made for one principal. Its id alone opens nothing. */
export interface Ticket {
  readonly id: string
  /** Who was asked. */
  readonly principal: Required<Holder>
  /** Whose grant it will be. */
  readonly holder: Holder
  readonly wanted: Wanted
}

/** Somebody who was sent away. */
export interface Journey {
  readonly ticket: Ticket
  readonly departure: Departure
  /** Digest of what the browser holds that was sent away. */
  readonly browser: string
}

const LIFE_MS = 10 * 60_000
const MAX_KEPT = 10_000
/** Wrong proofs that one ticket takes. */
const MAX_FAILURES = 5

export class Consents {
  readonly #clock: Clock
  readonly #tickets = new Map<string, { readonly ticket: Ticket; readonly endsAt: number; failures: number }>()
  readonly #byWish = new Map<string, string>()
  readonly #journeys = new Map<string, { readonly journey: Journey; readonly endsAt: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A ticket for this wish; the one that is open already when its like was asked for before. */
  invite(principal: Required<Holder>, holder: Holder, wanted: Wanted): Ticket {
    const wish = JSON.stringify([principal.tenant, principal.principal, wanted.upstream, wanted.scopes])
    const open = this.find(this.#byWish.get(wish) ?? '')
    if (open !== undefined) return open
    const ticket = { id: randomBytes(32).toString('base64url'), principal, holder, wanted }
    makeRoom(this.#tickets)
    makeRoom(this.#byWish)
    this.#tickets.set(ticket.id, { ticket, endsAt: this.#clock.now() + LIFE_MS, failures: 0 })
    this.#byWish.set(wish, ticket.id)
    return ticket
  }

  /** Undefined when there is none, or not any more. */
  find(id: string): Ticket | undefined {
    const kept = this.#tickets.get(id)
    return kept !== undefined && kept.endsAt > this.#clock.now() ? kept.ticket : undefined
  }

  /** A wrong proof was shown for a ticket; after some it is worth nothing. */
  failed(id: string): void {
    const kept = this.#tickets.get(id)
    if (kept !== undefined && ++kept.failures >= MAX_FAILURES) this.#tickets.delete(id)
  }

  /** Uses a ticket up. False when somebody was faster. */
  use(id: string): boolean {
    const isOpen = this.find(id) !== undefined
    this.#tickets.delete(id)
    return isOpen
  }

  leave(journey: Journey): void {
    makeRoom(this.#journeys)
    this.#journeys.set(digestOf(journey.departure.state), { journey, endsAt: this.#clock.now() + LIFE_MS })
  }

  /** The journey with this state, which ends here: a state is good once, whoever brings it. */
  arrive(state: string): Journey | undefined {
    const key = digestOf(state)
    const kept = this.#journeys.get(key)
    this.#journeys.delete(key)
    return kept !== undefined && kept.endsAt > this.#clock.now() ? kept.journey : undefined
  }
}

/** Digest of a secret that a browser holds. */
export const digestOf = (secret: string): string => hash('sha256', secret)

/** Whether a browser holds the secret of this digest. */
export function isSameBrowser(digest: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(digest), Buffer.from(digestOf(secret)))
}

function makeRoom(map: Map<string, unknown>): void {
  if (map.size < MAX_KEPT) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
