/** Decides what is refused first when the gateway itself has too much to do, and what last. */
import { performance } from 'node:perf_hooks'
import type { Exchange, RequestHead } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'

export interface OverloadRules {
  /** Lag of the event loop from which on new streams are refused, in milliseconds; 0 for never. */
  readonly lagMs: number
  /** Part of the queue, from 0 to 1, above which new streams are refused. */
  readonly queue: number
}

/** What there is to be done, as far as it can be told from a head: `streams` are refused first, `vital` last. */
export type Priority = 'streams' | 'calls' | 'vital'

/** How many times `lagMs` it takes to refuse each of them. */
const REFUSED_FROM: Readonly<Record<Priority, number>> = { streams: 1, calls: 2, vital: 10 }

/** By headers alone: to read more would cost what is to be saved. Who says something else in the message is refused there. */
export function priorityOf({ method, headers }: RequestHead, isAdministration: boolean): Priority {
  if (isAdministration || method === 'DELETE') return 'vital'
  const asked = headers['mcp-method']
  if (method === 'GET' || asked === 'subscriptions/listen') return 'streams'
  if (asked === 'server/discover') return 'vital'
  // Of the older era only the first message of a session has neither (MCP 2025-11-25, "Session Management").
  const isHello = headers['mcp-session-id'] === undefined && headers['mcp-protocol-version'] === undefined
  return method === 'POST' && isHello ? 'vital' : 'calls'
}

/** Lag of the event loop, smoothed over about a second. */
export class LoopLag {
  #lagMs = 0
  #expected: number
  readonly #timer: NodeJS.Timeout

  constructor(everyMs = 100) {
    this.#expected = performance.now() + everyMs
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#lagMs += (Math.max(0, now - this.#expected) - this.#lagMs) * 0.2
      this.#expected = now + everyMs
    }, everyMs).unref()
  }

  get ms(): number {
    return this.#lagMs
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

export interface OverloadParts {
  readonly rules: OverloadRules
  readonly lagMs: () => number
  /** Part of the queue of calls that is full, from 0 to 1. */
  readonly fullness: () => number
  readonly isAdministration: (path: string) => boolean
}

/** Check `limits.overload`: throws `traffic.shed` with Retry-After. 503 leads no client into another era. */
export function overload({ rules, lagMs, fullness, isAdministration }: OverloadParts): Check<Exchange> {
  return {
    name: 'limits.overload',
    check({ head }) {
      const lag = rules.lagMs === 0 ? 0 : lagMs() / rules.lagMs
      const full = fullness()
      if (lag < 1 && full <= rules.queue) return
      const priority = priorityOf(head, isAdministration(head.path))
      const isShed = lag >= REFUSED_FROM[priority] || (priority === 'streams' && full > rules.queue)
      if (isShed) throw new Fault('traffic.shed', { priority, lag, full }, { headers: { 'retry-after': '2' } })
    },
  }
}
