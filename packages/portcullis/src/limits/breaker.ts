/**
 * Decides when a server that fails is left alone, and when it is tried again.
 *
 * Closed: calls pass and are counted. Open: none pass. Half-open: one passes and decides. What one caller can bring about
 * must not shut out the others, so besides failures, and their part of all calls, the last call of so many callers must
 * have failed; and whoever has not failed may try while it is open, once: a server that is there closes it for all.
 */
export interface BreakerRules {
  /** Failures within the window that are too many; at least 1. */
  readonly failures: number
  /** Part of the calls, and of the callers, that must have failed; above 0, at most 1. */
  readonly ratio: number
  /** Counts are of so long, and of so long before. */
  readonly windowMs: number
  readonly openMs: number
  /** Each failed try doubles the time until the next one, up to this. */
  readonly maxOpenMs: number
}

export type BreakerState = 'closed' | 'open' | 'half-open'

/** `neither`: it says nothing about the server, such as a call that its client has given up. */
export type Outcome = 'success' | 'failure' | 'neither'

/** Must be told how the call ended, and when, once. */
export type Pass = (outcome: Outcome, now: number) => void

interface Counts {
  calls: number
  failures: number
  /** Whether the last call of each caller failed. */
  readonly callers: Map<string, boolean>
}

/** A caller more or less decides nothing by then. */
const MAX_CALLERS = 1_000

export class Breaker {
  readonly #rules: BreakerRules
  readonly #onChange: (state: BreakerState) => void
  #state: BreakerState = 'closed'
  #openMs: number
  #triedAt = 0
  #windowFrom = Number.NEGATIVE_INFINITY
  #now = fresh()
  #before = fresh()
  /** Whose last call failed, while it is not closed. */
  #unlucky = new Set<string>()
  /** How many of those who have not failed are trying. */
  #trying = 0

  constructor(rules: BreakerRules, onChange: (state: BreakerState) => void = () => {}) {
    this.#rules = rules
    this.#openMs = rules.openMs
    this.#onChange = onChange
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Lets a call through, or says for how many milliseconds it cannot be. `now` is of a clock that does not jump. */
  enter(caller: string, now: number): Pass | number {
    if (this.#state === 'closed') return this.#counted(caller)
    const left = this.#triedAt + this.#openMs - now
    if (left > 0) return this.#mayTry(caller) ? this.#triedEarly(caller) : left
    // Should the try never end, another one is made after the same time.
    this.#triedAt = now
    this.#become('half-open')
    return this.#tried(caller, now)
  }

  #counted(caller: string): Pass {
    return once((outcome, now) => {
      if (outcome === 'neither' || this.#state !== 'closed') return
      this.#turn(now)
      this.#count(caller, outcome === 'failure')
      if (!this.#isTooMuch()) return
      this.#triedAt = now
      this.#unlucky = new Set([...this.#lastCalls()].flatMap(([name, hasFailed]) => (hasFailed ? [name] : [])))
      this.#become('open')
    })
  }

  /** A few at a time: a server that hangs must not be given a call of everybody. */
  #mayTry(caller: string): boolean {
    return !this.#unlucky.has(caller) && this.#unlucky.size < MAX_CALLERS && this.#trying < this.#rules.failures
  }

  #triedEarly(caller: string): Pass {
    this.#trying++
    // Until it is known how it ended, the same caller does not try again.
    this.#unlucky.add(caller)
    return once((outcome) => {
      this.#trying--
      if (outcome === 'neither') this.#unlucky.delete(caller)
      if (outcome === 'success' && this.#state !== 'closed') this.#close(caller)
    })
  }

  #tried(caller: string, from: number): Pass {
    return once((outcome, now) => {
      if (this.#state !== 'half-open' || this.#triedAt !== from) return
      if (outcome === 'neither') {
        // The next caller tries.
        this.#triedAt = from - this.#openMs
        return
      }
      if (outcome === 'failure') {
        this.#openMs = Math.min(this.#rules.maxOpenMs, this.#openMs * 2)
        this.#triedAt = now
        this.#unlucky.add(caller)
        this.#become('open')
        return
      }
      this.#close(caller)
    })
  }

  #close(caller: string): void {
    this.#openMs = this.#rules.openMs
    this.#now = fresh()
    this.#before = fresh()
    this.#unlucky = new Set()
    this.#count(caller, false)
    this.#become('closed')
  }

  #count(caller: string, hasFailed: boolean): void {
    const { callers } = this.#now
    this.#now.calls++
    if (hasFailed) this.#now.failures++
    if (callers.has(caller) || callers.size < MAX_CALLERS) callers.set(caller, hasFailed)
  }

  #isTooMuch(): boolean {
    const { failures, ratio } = this.#rules
    const failed = this.#now.failures + this.#before.failures
    if (failed < failures || failed < ratio * (this.#now.calls + this.#before.calls)) return false
    const last = this.#lastCalls()
    const unlucky = [...last.values()].filter(Boolean).length
    return unlucky === last.size || unlucky > ratio * last.size
  }

  #lastCalls(): ReadonlyMap<string, boolean> {
    return new Map([...this.#before.callers, ...this.#now.callers])
  }

  #turn(now: number): void {
    const { windowMs } = this.#rules
    if (now - this.#windowFrom < windowMs) return
    this.#before = now - this.#windowFrom < 2 * windowMs ? this.#now : fresh()
    this.#now = fresh()
    this.#windowFrom = now
  }

  #become(state: BreakerState): void {
    if (this.#state === state) return
    this.#state = state
    this.#onChange(state)
  }
}

const fresh = (): Counts => ({ calls: 0, failures: 0, callers: new Map() })

function once(settle: Pass): Pass {
  let isOver = false
  return (outcome, now) => {
    if (isOver) return
    isOver = true
    settle(outcome, now)
  }
}
