/** Who was asked to connect what, and who is on the way to an authorization server. Each is good once and for a short time. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Principal } from '../../core/principal.ts'
import type { Holder } from '../access/holder.ts'
import type { Wanted } from '../access/not-connected.ts'
import type { ConsentStore, KeptConsent } from './consent-store.ts'
import type { Flow } from './flow.ts'

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
  readonly flow: Flow
  /** Digest of what the browser holds that was sent away. */
  readonly browser: string
  /** Who proved to be the one who was asked, with which credential; absent when no proof was demanded. */
  readonly proved?: Principal
}

const LIFE_MS = 10 * 60_000
/** Wrong proofs that one ticket takes. */
const MAX_FAILURES = 5

export class Consents {
  readonly #store: ConsentStore
  readonly #clock: Clock

  constructor(store: ConsentStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** A ticket for this wish; the one that is open already when its like was asked for before. A principal has one for each upstream. */
  async invite(principal: Required<Holder>, holder: Holder, wanted: Wanted): Promise<Ticket> {
    const wish = digestOf(JSON.stringify([principal.tenant, principal.principal, wanted.upstream]))
    const kept = await this.#store.findByWish(wish)
    const open = this.#read(kept) as Ticket | undefined
    if (open !== undefined && isLike(open.wanted, wanted)) return open
    const ticket = { id: randomBytes(32).toString('base64url'), principal, holder, wanted }
    // What an upstream demands can change with each answer; its tickets must not pile up by that.
    if (kept !== undefined) await this.#store.take('ticket', (JSON.parse(kept.text) as Ticket).id)
    await this.#store.put('ticket', ticket.id, this.#kept(principal.tenant, ticket), wish)
    return ticket
  }

  /** Undefined when there is none, or not any more. */
  async find(id: string): Promise<Ticket | undefined> {
    return this.#read(await this.#store.find('ticket', id)) as Ticket | undefined
  }

  /** A wrong proof was shown for a ticket; after some it is worth nothing, however many come at once. */
  async failed(id: string): Promise<void> {
    const endsAt = this.#clock.now() + LIFE_MS
    for (let number = 1; number < MAX_FAILURES; number++) if (await this.#store.mark(id, number, endsAt)) return
    await this.#store.take('ticket', id)
  }

  /** Uses a ticket up. False when somebody was faster. */
  async use(id: string): Promise<boolean> {
    return this.#read(await this.#store.take('ticket', id)) !== undefined
  }

  async leave(journey: Journey): Promise<void> {
    await this.#store.put('journey', journey.flow.state, this.#kept(journey.ticket.principal.tenant, journey))
  }

  /** The journey with this state, which ends here: a state is good once, whoever brings it. */
  async arrive(state: string): Promise<Journey | undefined> {
    return this.#read(await this.#store.take('journey', state)) as Journey | undefined
  }

  #kept(tenant: string, value: object): KeptConsent {
    return { tenant, text: JSON.stringify(value), endsAt: this.#clock.now() + LIFE_MS }
  }

  /** What we have put there ourselves, sealed. */
  #read(kept: KeptConsent | undefined): unknown {
    return kept !== undefined && kept.endsAt > this.#clock.now() ? JSON.parse(kept.text) : undefined
  }
}

/** Digest of a secret that a browser holds. */
export const digestOf = (secret: string): string => hash('sha256', secret)

/** Whether a browser holds the secret of this digest. */
export function isSameBrowser(digest: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(digest), Buffer.from(digestOf(secret)))
}

const isLike = (a: Wanted, b: Wanted): boolean =>
  a.metadataUrl === b.metadataUrl && JSON.stringify(a.scopes) === JSON.stringify(b.scopes)
