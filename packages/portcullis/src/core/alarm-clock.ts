import { Roster, type Seat } from './roster.ts'

/**
 * Calls back after a while, for work of which almost none lasts that long.
 *
 * All alarms share one timer, which is set to the earliest of them. With a timer for each call, calls that had ended
 * survived the collector's quick rounds until its next full one, measured at 10 KB a call; without, none did.
 */
export interface Alarm {
  /** When it rings, on the clock that was handed in; it is set by the clock. */
  at: number
  ring(): void
}

/** Longer delays overflow a timer of Node; then it rings early, finds nothing due and is set again. */
const MAX_DELAY_MS = 2_147_483_647

export class AlarmClock {
  readonly #now: () => number
  readonly #alarms = new Roster<Alarm>()
  #timer: NodeJS.Timeout | undefined
  #firesAt = Number.POSITIVE_INFINITY

  /** `now` must not jump: milliseconds since any moment. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Calls `ring` once in `delayMs` milliseconds, never earlier. Does not keep the process alive. */
  set(delayMs: number, ring: () => void): Seat<Alarm> {
    return this.start(delayMs, { at: 0, ring })
  }

  /** As `set`, for an alarm that the caller keeps anyway. */
  start(delayMs: number, alarm: Alarm): Seat<Alarm> {
    alarm.at = this.#now() + delayMs
    if (alarm.at < this.#firesAt) this.#wait(alarm.at)
    return this.#alarms.enter(alarm)
  }

  /** Idempotent. The timer stays as it is: it rings at most once for nothing. */
  cancel(alarm: Seat<Alarm>): void {
    this.#alarms.leave(alarm)
  }

  #wait(at: number): void {
    clearTimeout(this.#timer)
    this.#firesAt = at
    const delayMs = Math.min(Math.max(Math.ceil(at - this.#now()), 0), MAX_DELAY_MS)
    this.#timer = setTimeout(this.#fire, delayMs).unref()
  }

  readonly #fire = (): void => {
    this.#firesAt = Number.POSITIVE_INFINITY
    const now = this.#now()
    let next = Number.POSITIVE_INFINITY
    for (const seat of this.#alarms.seats) {
      if (seat.member.at > now) next = Math.min(next, seat.member.at)
      else if (seat.at >= 0) {
        this.#alarms.leave(seat)
        seat.member.ring()
      }
    }
    // What rang may have set alarms of its own.
    if (next < this.#firesAt) this.#wait(next)
  }
}
