/** Decides which way back belongs to which way out: one answer for each departure, for the browser that left. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { AnonymousRows } from '../anonymous-rows.ts'
import type { GrantStore } from '../grant-store.ts'
import { digestOf } from '../stored-model.ts'
import type { JourneySecrets } from './outside-provider.ts'

export interface JourneyParts {
  /** Secret of this server. */
  readonly key: string
  readonly grants: GrantStore
  readonly clock: Clock
}

/** A person on their way to a provider and back. */
export interface Journey {
  /** Name of the provider. */
  readonly provider: string
  /** The page from which they left, and whoever it was shown to. */
  readonly about: string
  /** Path to which they come back. */
  readonly back: string
  readonly fresh: boolean
}

const KIND = 'ProviderJourney'
const LIFE_MS = 15 * 60_000
const STATE = /^[\w-]{43}$/

/** The store holds a digest of `state`; nonce and verifier follow from it by a key, so no secret lies in the store. */
export class Journeys {
  readonly #parts: JourneyParts
  readonly #rows: AnonymousRows

  constructor(parts: JourneyParts) {
    this.#parts = parts
    this.#rows = new AnonymousRows({ ...parts, kind: KIND })
  }

  /** Rejects with `identity.unavailable` when too many people are on their way. */
  async begin(journey: Journey): Promise<JourneySecrets> {
    const { grants, clock } = this.#parts
    const state = randomBytes(32).toString('base64url')
    const expiresAt = clock.now() + LIFE_MS
    await this.#rows.requireRoom()
    await grants.put({ kind: KIND, digest: digestOf(state), payload: JSON.stringify(journey), expiresAt })
    return this.#secrets(state, journey)
  }

  /** Undefined for a state that is none of ours, too old, or used. */
  async find(state: string): Promise<Journey | undefined> {
    if (!STATE.test(state)) return undefined
    const { grants, clock } = this.#parts
    const entry = await grants.find(KIND, digestOf(state))
    if (entry === undefined || entry.consumedAt !== undefined || entry.expiresAt <= clock.now()) return undefined
    return JSON.parse(entry.payload) as Journey
  }

  /** For exactly one of any number of callers, and only for the one who left: somebody else's attempt changes nothing. */
  async end(state: string, about: string): Promise<(Journey & JourneySecrets) | undefined> {
    const journey = await this.find(state)
    if (journey === undefined || journey.about !== about) return undefined
    const { grants, clock } = this.#parts
    if (!(await grants.consume(KIND, digestOf(state), clock.now()))) return undefined
    return { ...journey, ...this.#secrets(state, journey) }
  }

  #secrets(state: string, { provider, about, fresh }: Journey): JourneySecrets {
    const derived = (what: string): string =>
      createHmac('sha256', this.#parts.key)
        .update(JSON.stringify(['journey', what, provider, about, state]))
        .digest('base64url')
    return { state, nonce: derived('nonce'), verifier: derived('verifier'), fresh }
  }
}
