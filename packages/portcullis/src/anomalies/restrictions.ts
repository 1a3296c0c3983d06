/** Who is asked about, throttled or blocked now, and until when. They outlast what is remembered of a subject, and restarts. */
import { ANSWERS, type AnomalyAnswer } from '../core/anomaly-words.ts'

export type RestrictingAnswer = Extract<AnomalyAnswer, 'ask' | 'throttle' | 'block'>

export interface Restriction {
  readonly tenant: string
  /** Id of the principal. */
  readonly principal: string
  readonly answer: RestrictingAnswer
  readonly score: number
  /** The heaviest reason. */
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly until: number
}

export const isRestricting = (answer: AnomalyAnswer): answer is RestrictingAnswer =>
  ANSWERS.indexOf(answer) >= ANSWERS.indexOf('ask')

export class Restrictions {
  readonly #byTenant = new Map<string, Map<string, Restriction>>()
  readonly #max: number
  #size = 0

  constructor(max = 50_000) {
    this.#max = max
  }

  get size(): number {
    return this.#size
  }

  /** In force at `now`; at its end it is gone. */
  of(tenant: string, principal: string, now: number): Restriction | undefined {
    if (this.#size === 0) return undefined
    const found = this.#byTenant.get(tenant)?.get(principal)
    if (found === undefined || now < found.until) return found
    this.end(tenant, principal)
    return undefined
  }

  /** The stricter answer and the later end hold. Returns what is in force then. */
  put(restriction: Restriction, now: number): Restriction {
    const { tenant, principal } = restriction
    const known = this.of(tenant, principal, now)
    const kept = known === undefined ? restriction : joined(known, restriction)
    if (known === undefined) this.#makeRoom(now)
    let own = this.#byTenant.get(tenant)
    if (own === undefined) this.#byTenant.set(tenant, (own = new Map()))
    if (!own.has(principal)) this.#size++
    own.set(principal, kept)
    return kept
  }

  /** False when there was none. */
  end(tenant: string, principal: string): boolean {
    const own = this.#byTenant.get(tenant)
    if (own?.delete(principal) !== true) return false
    this.#size--
    if (own.size === 0) this.#byTenant.delete(tenant)
    return true
  }

  /** All that are in force. */
  list(now: number): readonly Restriction[] {
    return [...this.#byTenant.values()].flatMap((own) => [...own.values()].filter(({ until }) => now < until))
  }

  /** Those that have ended go first, then the one that ends soonest. */
  #makeRoom(now: number): void {
    if (this.#size < this.#max) return
    let soonest: Restriction | undefined
    for (const own of this.#byTenant.values())
      for (const one of own.values()) {
        if (one.until <= now) this.end(one.tenant, one.principal)
        else if (soonest === undefined || one.until < soonest.until) soonest = one
      }
    if (this.#size >= this.#max && soonest !== undefined) this.end(soonest.tenant, soonest.principal)
  }
}

function joined(known: Restriction, fresh: Restriction): Restriction {
  const isStricter = ANSWERS.indexOf(fresh.answer) > ANSWERS.indexOf(known.answer)
  const stricter = isStricter ? fresh : known
  return { ...stricter, since: known.since, until: Math.max(known.until, fresh.until) }
}
