/** The breakers of all upstreams, and the stage that asks them: what counts as a failure, and what is said while one is open. */
import { performance } from 'node:perf_hooks'
import type { Answer, Exchange } from '../core/exchange.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { whenEnded } from '../core/lasting.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Resolved } from '../mcp/definition.ts'
import type { Bounded } from './bound.ts'
import { Breaker, type BreakerRules, type BreakerState, type Outcome } from './breaker.ts'

type Call = Exchange & Authenticated & Bounded & Resolved

export interface BreakersParts {
  /** Absent: no upstream is ever left alone. */
  readonly rules?: BreakerRules
  /** What fails together, such as the process of one principal; a failure says nothing about the others. */
  readonly shareOf: (exchange: Call, upstream: string) => string
  /** Which exchanges are calls; streams that last are not. */
  readonly counts: (exchange: Call) => boolean
  readonly onChange: (upstream: string, state: BreakerState) => void
  /** Told how long an upstream took for a call, and whether it came back. */
  readonly onEnd?: (upstream: string, ms: number, outcome: Outcome) => void
  /** Milliseconds on a clock that does not jump; the system's when absent. */
  readonly now?: () => number
}

/** What is told of one that is not closed. */
export interface OpenBreaker {
  readonly upstream: string
  readonly state: BreakerState
}

/** The server is not there, or does not do what a server does. What a caller can ask for wrongly is not among it. */
const FAILURES: ReadonlySet<FaultCode> = new Set([
  'upstream.unavailable',
  'upstream.malformed',
  'upstream.ended',
  'sandbox.start_failed',
  'limits.deadline',
])

const MAX_BREAKERS = 10_000

export class Breakers {
  readonly #parts: BreakersParts
  readonly #breakers = new Map<string, { readonly upstream: string; readonly breaker: Breaker }>()
  readonly #now: () => number

  constructor(parts: BreakersParts) {
    this.#parts = parts
    this.#now = parts.now ?? (() => performance.now())
  }

  /** Those that are not closed, one for each share of an upstream. */
  get open(): readonly OpenBreaker[] {
    return [...this.#breakers.values()]
      .filter(({ breaker }) => breaker.state !== 'closed')
      .map(({ upstream, breaker }) => ({ upstream, state: breaker.state }))
  }

  /** Wrap `limits.breaker`: rejects with `upstream.resting` (with Retry-After) while the upstream is left alone. */
  get stage(): Wrap<Call> {
    const { rules, counts, onEnd } = this.#parts
    const isUsed = rules !== undefined || onEnd !== undefined
    return {
      name: 'limits.breaker',
      wrap: (exchange, next) => {
        const { upstream } = exchange
        return isUsed && upstream !== undefined && counts(exchange) ? this.#tried(exchange, upstream, next) : next()
      },
    }
  }

  #tried(exchange: Call, upstream: string, next: () => Promise<Answer>): Promise<Answer> {
    const { rules, onEnd } = this.#parts
    const { tenant, id } = exchange.principal
    const from = this.#now()
    const pass = rules && this.#of(exchange, upstream, rules).enter(`${tenant}\n${id}`, from)
    if (typeof pass === 'number') return Promise.reject(resting(upstream, pass))
    const end = (outcome: Outcome): void => {
      const now = this.#now()
      pass?.(outcome, now)
      onEnd?.(upstream, now - from, outcome)
    }
    return whenEnded(next(), {
      answered(answer) {
        end('success')
        return answer
      },
      failed(thrown) {
        end(outcomeOf(thrown, exchange))
        throw thrown
      },
    })
  }

  #of(exchange: Call, upstream: string, rules: BreakerRules): Breaker {
    const name = `${upstream}\n${this.#parts.shareOf(exchange, upstream)}`
    const known = this.#breakers.get(name)
    if (known !== undefined) return known.breaker
    const breaker = new Breaker(rules, (state) => this.#parts.onChange(upstream, state))
    const [oldest] = this.#breakers.keys()
    if (this.#breakers.size >= MAX_BREAKERS && oldest !== undefined) this.#breakers.delete(oldest)
    this.#breakers.set(name, { upstream, breaker })
    return breaker
  }
}

/** Whoever ended the call has said nothing about the server, unless it was the deadline. */
function outcomeOf(thrown: unknown, { cancellation }: Bounded): Outcome {
  const { reason } = cancellation
  if (reason !== undefined) return reason === 'deadline' ? 'failure' : 'neither'
  if (!(thrown instanceof Fault)) return 'neither'
  // That there is no room for another connection is our own limit.
  if ('maxLinks' in thrown.detail) return 'neither'
  if (FAILURES.has(thrown.code)) return 'failure'
  // Whatever came back came from a server that is there.
  return thrown.code.startsWith('upstream.') ? 'success' : 'neither'
}

function resting(upstream: string, ms: number): Fault {
  const seconds = Math.max(1, Math.ceil(ms / 1_000))
  const says = `The upstream ${upstream} has failed too often and is left alone; try again in ${seconds} s.`
  return new Fault('upstream.resting', { upstream, ms }, { says, headers: { 'Retry-After': String(seconds) } })
}
