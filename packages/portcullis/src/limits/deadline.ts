import { type Alarm, AlarmClock } from '../core/alarm-clock.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { Answer, Exchange, Outgoing, Outlet, Seal } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Wrap } from '../core/pipeline.ts'
import { Roster, type Seat } from '../core/roster.ts'
import type { Bounded } from './bound.ts'

/**
 * Ends what takes too long, and what nobody wants any more.
 *
 * The deadline is asked for at the start, when little is known of the request, and again when it would fire: by then the
 * method is known, and a stream that is meant to last has an idle limit instead.
 */
export interface DeadlineOptions<Known extends Exchange & Bounded> {
  /** Milliseconds that the exchange may take in all; undefined when it may last. */
  readonly deadlineMsOf: (exchange: Known) => number | undefined
  /** Milliseconds of silence after which a lasting exchange ends; undefined when it may be silent for ever. */
  readonly idleMsOf: (exchange: Known) => number | undefined
  /** Whether the call ends with its client's connection: in the modern era it does, in the legacy era it must not. */
  readonly endsOnDeparture: (exchange: Known) => boolean
  /** Fires when the gateway stops waiting for calls under way. */
  readonly shutdown: Cancellation
  /** Milliseconds on a clock that does not jump; the system's when absent. */
  readonly now?: () => number
}

/** Rejects with `limits.deadline` and cancels the exchange; the work behind it is not waited for. */
export function deadline<Known extends Exchange & Bounded>(options: DeadlineOptions<Known>): Wrap<Known> {
  // One listener on the shutdown for all exchanges, so that ending one costs no search through the others.
  const active = new Roster<Cancellation>()
  const alarms = new AlarmClock(options.now)
  options.shutdown.onCancel((reason) => {
    for (const cancellation of active.members) cancellation.cancel(reason)
  })
  return {
    name: 'limits.deadline',
    wrap(exchange, next) {
      if (options.shutdown.cancelled) exchange.cancellation.cancel('shutdown')
      return new Promise<Answer>((resolve, reject) => {
        const seat = active.enter(exchange.cancellation)
        const watch = new Watch(exchange, options, alarms, reject)
        const end = (): void => {
          watch.stop()
          active.leave(seat)
        }
        next().then(
          (answer) => {
            end()
            resolve(answer)
          },
          (error: unknown) => {
            end()
            reject(error)
          },
        )
      })
    },
  }
}

/** The alarm and the listener of one exchange. */
class Watch<Known extends Exchange & Bounded> {
  readonly #exchange: Known
  readonly #options: DeadlineOptions<Known>
  readonly #alarms: AlarmClock
  readonly #reject: (fault: Fault) => void
  readonly #forget: () => void
  #alarm: Seat<Alarm> | undefined
  #allowedMs = 0
  #idle = false

  constructor(exchange: Known, options: DeadlineOptions<Known>, alarms: AlarmClock, reject: (fault: Fault) => void) {
    this.#exchange = exchange
    this.#options = options
    this.#alarms = alarms
    this.#reject = reject
    this.#forget = exchange.departure.onCancel((reason) => {
      if (options.endsOnDeparture(exchange)) exchange.cancellation.cancel(reason)
    })
    exchange.outlet = new WatchedOutlet(exchange.outlet, () => this.#touch())
    this.#expire()
  }

  stop(): void {
    this.#disarm()
    this.#idle = false
    this.#forget()
  }

  /** Waits for what is left of the deadline, or for silence when there is none. Returns false when time is up. */
  #arm(): boolean {
    const allowedMs = this.#options.deadlineMsOf(this.#exchange)
    if (allowedMs === undefined) return this.#armIdle()
    const leftMs = allowedMs - this.#allowedMs
    this.#allowedMs = allowedMs
    if (leftMs > 0) this.#alarm = this.#alarms.set(leftMs, () => this.#expire())
    return leftMs > 0
  }

  #armIdle(): boolean {
    const idleMs = this.#options.idleMsOf(this.#exchange)
    this.#idle = idleMs !== undefined
    if (idleMs !== undefined) this.#alarm = this.#alarms.set(idleMs, () => this.#fallSilent())
    return true
  }

  /** What lasts ends by itself when it is cancelled, in the way of its protocol: silence is no failure. */
  #fallSilent(): void {
    this.stop()
    this.#exchange.cancellation.cancel('deadline')
  }

  /** Ends the exchange unless more time turns out to be allowed. */
  #expire(): void {
    if (!this.#arm()) this.#end({ deadlineMs: this.#allowedMs })
  }

  #end(detail: Readonly<Record<string, number>>): void {
    this.stop()
    this.#exchange.cancellation.cancel('deadline')
    this.#reject(new Fault('limits.deadline', detail))
  }

  #disarm(): void {
    if (this.#alarm !== undefined) this.#alarms.cancel(this.#alarm)
  }

  #touch(): void {
    if (!this.#idle) return
    this.#disarm()
    this.#armIdle()
  }
}

class WatchedOutlet implements Outlet {
  readonly #outlet: Outlet
  readonly #touch: () => void

  constructor(outlet: Outlet, touch: () => void) {
    this.#outlet = outlet
    this.#touch = touch
  }

  send(message: Outgoing): Promise<void> | void {
    this.#touch()
    return this.#outlet.send(message)
  }

  sealWith(seal: Seal): void {
    this.#outlet.sealWith?.(seal)
  }

  open(): void {
    this.#outlet.open()
  }
}
