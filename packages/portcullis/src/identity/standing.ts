/** Ends work under way whose credential was revoked or has expired: a request is admitted once, but a stream may last. */
import { type Alarm, AlarmClock } from '../core/alarm-clock.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { Clock } from '../core/clock.ts'
import type { Answer, Ending, Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { whenEnded } from '../core/lasting.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import { Roster, type Seat } from '../core/roster.ts'
import type { Routed } from '../core/route.ts'
import { challenged, type Challenges } from './challenge.ts'
import type { RevocationList } from './revocation.ts'

type Needs = Exchange & Routed & Authenticated & { readonly cancellation: Cancellation }

/** Lists that end what they would refuse. */
export interface AlsoEnds {
  /** Calls the listener when something may be refused that was not before. */
  onChanged(listener: () => void): void
  readonly refuses: (exchange: Needs) => boolean
}

/**
 * Wrap `identity.standing`: cancels with `revoked` whatever a revocation covers, at once, and whatever outlives its
 * credential, to the millisecond (MCP: authorization holds for every request; a stream is one request); with `blocked`
 * whatever the lists would refuse now. Whoever is refused
 * with 401 that late is told how to sign in, as at the entrance.
 */
export function standing(
  revocations: Pick<RevocationList, 'onRevoked' | 'covers'>,
  clock: Clock,
  challenges: Challenges,
  lists?: AlsoEnds,
): Wrap<Needs> {
  const active = new Roster<Needs>()
  const alarms = new AlarmClock()
  revocations.onRevoked(() => {
    const now = clock.now()
    for (const { principal, cancellation } of active.members)
      if (revocations.covers(principal, now)) cancellation.cancel('revoked')
  })
  lists?.onChanged(() => {
    for (const exchange of active.members) if (lists.refuses(exchange)) exchange.cancellation.cancel('blocked')
  })
  return {
    name: 'identity.standing',
    wrap(exchange, next) {
      const place = new Place(active, active.enter(exchange), expiry(exchange, alarms, clock), challenges)
      return whenEnded(next(), place)
    },
  }
}

/** The place of one exchange among those that stand, and what ends it when its credential does. */
class Place implements Ending {
  readonly #active: Roster<Needs>
  readonly #seat: Seat<Needs>
  readonly #expiry: Expiry | undefined
  readonly #challenges: Challenges

  constructor(active: Roster<Needs>, seat: Seat<Needs>, ends: Expiry | undefined, challenges: Challenges) {
    this.#active = active
    this.#seat = seat
    this.#expiry = ends
    this.#challenges = challenges
  }

  answered(answer: Answer): Answer {
    this.#end()
    return answer
  }

  failed(thrown: unknown): never {
    this.#end()
    throw thrown instanceof Fault ? challenged(thrown, this.#seat.member.resource, this.#challenges) : thrown
  }

  #end(): void {
    this.#active.leave(this.#seat)
    this.#expiry?.alarms.cancel(this.#expiry.alarm)
  }
}

interface Expiry {
  readonly alarms: AlarmClock
  readonly alarm: Seat<Alarm>
}

function expiry({ principal, cancellation }: Needs, alarms: AlarmClock, clock: Clock): Expiry | undefined {
  const { credential } = principal
  if (credential.expiresAt === undefined) return undefined
  const leftMs = credential.expiresAt - clock.now()
  return { alarms, alarm: alarms.set(Math.max(0, leftMs), () => cancellation.cancel('revoked')) }
}
