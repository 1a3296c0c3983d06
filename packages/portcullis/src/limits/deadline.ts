import { type Alarm, AlarmClock } from '../core/alarm-clock.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { Answer, Ending, Exchange, Lasting, Outgoing, Outlet, Seal } from '../core/exchange.ts'
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
        const watch = new Watch(exchange, options, { alarms, active, reject })
        next().then(
          (answer) => {
            if (answer.lasting === undefined) watch.answered(answer)
            else watch.lasts(answer.lasting)
            resolve(answer)
          },
          (thrown: unknown) => {
            watch.leave()
            reject(thrown)
          },
        )
      })
    },
  }
}

interface Watching {
  readonly alarms: AlarmClock
  readonly active: Roster<Cancellation>
  readonly reject: (fault: Fault) => void
}

/** The alarm and the place of one exchange among those under way. */
class Watch<Known extends Exchange & Bounded> implements Alarm, Ending {
  at = 0
  readonly #exchange: Known
  readonly #options: DeadlineOptions<Known>
  readonly #alarms: AlarmClock
  readonly #active: Roster<Cancellation>
  readonly #seat: Seat<Cancellation>
  /** Absent when somebody was answered already. */
  #reject: ((fault: Fault) => void) | undefined
  #alarm: Seat<Alarm> | undefined
  #allowedMs = 0
  #idle = false
  #stopped = false

  constructor(exchange: Known, options: DeadlineOptions<Known>, { alarms, active, reject }: Watching) {
    this.#exchange = exchange
    this.#options = options
    this.#alarms = alarms
    this.#active = active
    this.#seat = active.enter(exchange.cancellation)
    this.#reject = reject
    exchange.departure.onCancel((reason) => {
      if (!this.#stopped && options.endsOnDeparture(exchange)) exchange.cancellation.cancel(reason)
    })
    exchange.outlet = new WatchedOutlet(exchange.outlet, this)
    this.#expire()
  }

  /** The exchange has become a stream: it goes on without anybody who could be told of a deadline. */
  lasts(stream: Lasting): void {
    this.#reject = undefined
    stream.add(this)
  }

  answered(answer: Answer): Answer {
    this.leave()
    return answer
  }

  failed(thrown: unknown): never {
    this.leave()
    throw thrown
  }

  leave(): void {
    this.#stop()
    this.#active.leave(this.#seat)
  }

  #stop(): void {
    this.#disarm()
    this.#idle = false
    this.#stopped = true
  }

  /** Waits for what is left of the deadline, or for silence when there is none. Returns false when time is up. */
  #arm(): boolean {
    const allowedMs = this.#options.deadlineMsOf(this.#exchange)
    if (allowedMs === undefined) return this.#armIdle()
    const leftMs = allowedMs - this.#allowedMs
    this.#allowedMs = allowedMs
    if (leftMs > 0) this.#alarm = this.#alarms.start(leftMs, this)
    return leftMs > 0
  }

  #armIdle(): boolean {
    const idleMs = this.#options.idleMsOf(this.#exchange)
    this.#idle = idleMs !== undefined
    if (idleMs !== undefined) this.#alarm = this.#alarms.start(idleMs, this)
    return true
  }

  ring(): void {
    if (this.#idle) this.#fallSilent()
    else this.#expire()
  }

  /** What lasts ends by itself when it is cancelled, in the way of its protocol: silence is no failure. */
  #fallSilent(): void {
    this.#stop()
    this.#exchange.cancellation.cancel('deadline')
  }

  /** Ends the exchange unless more time turns out to be allowed. */
  #expire(): void {
    if (!this.#arm()) this.#end({ deadlineMs: this.#allowedMs })
  }

  #end(detail: Readonly<Record<string, number>>): void {
    this.#stop()
    this.#exchange.cancellation.cancel('deadline')
    this.#reject?.(new Fault('limits.deadline', detail))
  }

  #disarm(): void {
    if (this.#alarm !== undefined) this.#alarms.cancel(this.#alarm)
  }

  touch(): void {
    if (!this.#idle) return
    this.#disarm()
    this.#armIdle()
  }
}

class WatchedOutlet implements Outlet {
  readonly #outlet: Outlet
  readonly #watch: { touch(): void }

  constructor(outlet: Outlet, watch: { touch(): void }) {
    this.#outlet = outlet
    this.#watch = watch
  }

  send(message: Outgoing): Promise<void> | void {
    this.#watch.touch()
    return this.#outlet.send(message)
  }

  sealWith(seal: Seal): void {
    this.#outlet.sealWith?.(seal)
  }

  open(): void {
    this.#outlet.open()
  }
}
