/** What the audit trail hears of the network: each connection once, at its end or when it is refused. */
import type { Clock } from '../../core/clock.ts'
import type { EgressAccess } from '../access.ts'
import type { MeteredSocket } from './metered-socket.ts'
import type { Reason } from './refused.ts'

export type OnEgress = (access: EgressAccess) => void
export type Protocol = EgressAccess['protocol']

/** As asked for, which for something that is no host name is whatever bytes came. */
export interface Asked {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
}

const MAX_HOST_LENGTH = 253
/** Short, so that a later call that tries the same has a record of its own. */
const WINDOW_MS = 1_000
/** Different refusals that are told in one window, of those that are told once; one more tells that there are others. */
const MAX_TOLD = 100

export class Reporter {
  readonly #onAccess: OnEgress
  readonly #clock: Clock
  readonly #told = new Set<string>()
  #windowEndsAt = Number.NEGATIVE_INFINITY

  constructor(onAccess: OnEgress, clock: Clock) {
    this.#onAccess = onAccess
    this.#clock = clock
  }

  begin(asked: Asked): Attempt {
    return new Attempt(asked, this.#onAccess, this.#clock)
  }

  /** A refusal that costs a program next to nothing to repeat: told once a second for each host and port. */
  refusedOften(asked: Asked, reason: Reason): void {
    const now = this.#clock.now()
    if (now >= this.#windowEndsAt) {
      this.#told.clear()
      this.#windowEndsAt = now + WINDOW_MS
    }
    const key = `${asked.protocol} ${asked.host} ${asked.port} ${reason}`
    if (this.#told.has(key) || this.#told.size > MAX_TOLD) return
    this.#told.add(key)
    if (this.#told.size <= MAX_TOLD) this.begin(asked).fail(reason)
    else this.begin({ ...asked, host: '' }).fail('many-more')
  }
}

const CAME_TO_NOTHING: ReadonlySet<Reason> = new Set(['unreachable', 'timeout', 'certificate', 'left'])

/** One connection or, where requests are seen one by one, one request. It is reported exactly once. */
export class Attempt {
  readonly #asked: Asked
  readonly #onAccess: OnEgress
  readonly #clock: Clock
  readonly #startedAt: number
  #way: MeteredSocket | undefined
  #over = false

  constructor(asked: Asked, onAccess: OnEgress, clock: Clock) {
    this.#asked = { ...asked, host: printable(asked.host) }
    this.#onAccess = onAccess
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** It goes over this connection, of which it is told what no other attempt was told before. */
  goesOver(socket: MeteredSocket): void {
    this.#way = socket
  }

  /** It was refused, or allowed and came to nothing, which the reason tells. */
  fail(reason: Reason): void {
    if (this.#over) return
    if (this.#way !== undefined || CAME_TO_NOTHING.has(reason)) this.end(reason)
    else this.#report({ ...this.#asked, kind: 'egress', allowed: false, reason, ...this.#lasted() })
  }

  /** It was allowed. `reason`: what ended it, if that was not the client or the host. */
  end(reason?: Reason): void {
    if (this.#over) return
    const way = this.#way
    const why = way?.cut ?? reason
    this.#report({
      ...this.#asked,
      kind: 'egress',
      allowed: true,
      ...(way !== undefined && { address: way.address, ...way.takeUntold() }),
      ...(why !== undefined && { reason: why }),
      durationMs: this.#clock.now() - this.#startedAt,
    })
  }

  /** A resolver may take its time: without this, a refusal would be told to be of a call that began meanwhile. */
  #lasted(): Pick<EgressAccess, 'durationMs'> {
    const durationMs = this.#clock.now() - this.#startedAt
    return durationMs > 0 ? { durationMs } : {}
  }

  #report(access: EgressAccess): void {
    this.#over = true
    this.#onAccess(access)
  }
}

function printable(host: string): string {
  return host.slice(0, MAX_HOST_LENGTH).replaceAll(/[^\x21-\x7e]/g, '?')
}
