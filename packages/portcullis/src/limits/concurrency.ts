import type { Answer, Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { whenEnded } from '../core/lasting.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Bounded } from './bound.ts'
import { type Holder, Slots, type SlotRules, type Ticket } from './slots.ts'

/** How many calls are worked on at once, and how long others wait for their turn. */
export interface ConcurrencyOptions<Known> extends SlotRules {
  readonly maxWaitMs: number
  readonly retryAfterSeconds: number
  readonly isAdministrator: (principal: Principal) => boolean
  /** Which exchanges take a slot; streams that last should not. */
  readonly counts: (exchange: Known) => boolean
  /** Is given the slots, to be asked later how many are used. */
  readonly onSlots?: ((slots: Slots) => void) | undefined
}

/**
 * Rejects with `limits.concurrency` (with Retry-After, RFC 9110 §10.2.3) when the queue is full or the wait too long, and
 * with `upstream.ended` when the exchange was cancelled while it waited. The slot is held until the work behind has really ended.
 */
export function concurrency<Known extends Exchange & Authenticated & Bounded>(
  options: ConcurrencyOptions<Known>,
): Wrap<Known> {
  const slots = new Slots(options)
  options.onSlots?.(slots)
  return {
    name: 'limits.concurrency',
    wrap(exchange, next): Promise<Answer> {
      if (!options.counts(exchange)) return next()
      const { principal } = exchange
      const holder: Holder = { tenant: principal.tenant, principal: principal.id }
      const administrator = options.isAdministrator(principal)
      const release = (): void => slots.release(holder)
      if (slots.take(holder, administrator)) return releasing(next, release)
      return wait(slots, options, exchange, holder, administrator).then(() => releasing(next, release))
    },
  }
}

const releasing = (next: () => Promise<Answer>, release: () => void): Promise<Answer> =>
  whenEnded(next(), {
    answered(answer) {
      release()
      return answer
    },
    failed(thrown) {
      release()
      throw thrown
    },
  })

function wait(
  slots: Slots,
  { maxWaitMs, retryAfterSeconds }: Pick<ConcurrencyOptions<never>, 'maxWaitMs' | 'retryAfterSeconds'>,
  { cancellation }: Bounded,
  holder: Holder,
  administrator: boolean,
): Promise<void> {
  const busy = (reason: string) =>
    new Fault('limits.concurrency', { reason }, { headers: { 'Retry-After': String(retryAfterSeconds) } })
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer)
      forget()
    }
    const give = (fault: Fault): void => {
      slots.leave(ticket)
      settle()
      reject(fault)
    }
    const admitted = (): void => {
      settle()
      resolve()
    }
    const ticket: Ticket = { ...holder, administrator, admitted, displaced: () => give(busy('queue full')) }
    if (cancellation.cancelled) return reject(new Fault('upstream.ended', { reason: cancellation.reason }))
    if (!slots.enqueue(ticket)) return reject(busy('queue full'))
    const timer = setTimeout(() => give(busy('waited too long')), maxWaitMs)
    const forget = cancellation.onCancel((reason) => give(new Fault('upstream.ended', { reason })))
  })
}
