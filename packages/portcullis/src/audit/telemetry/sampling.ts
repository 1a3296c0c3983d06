/** Decides which calls are traced: so many of a hundred by our own dice, and those that callers ask for within an allowance. */
import type { TraceContext } from './trace-context.ts'

export interface SamplingRules {
  /** Share of the calls that are traced, 0 to 1. */
  readonly ratio: number
  /** Traces a second at most, whoever asked for them. */
  readonly perSecond: number
  /**
   * What the sampled flag of a caller does. `limited`: it adds traces within `callersPerSecond`, and cannot prevent any.
   * `trusted`: it decides. `ignored`: nothing, and the caller's trace is not joined either.
   */
  readonly callers: 'limited' | 'trusted' | 'ignored'
  readonly callersPerSecond: number
}

/** `random` gives numbers from 0 to below 1, `nowMs` milliseconds that never go back. */
export class Sampler {
  readonly #rules: SamplingRules
  readonly #random: () => number
  readonly #all: Allowance
  readonly #asked: Allowance

  constructor(rules: SamplingRules, random: () => number = Math.random) {
    this.#rules = rules
    this.#random = random
    this.#all = new Allowance(rules.perSecond)
    this.#asked = new Allowance(rules.callersPerSecond)
  }

  get joins(): boolean {
    return this.#rules.callers !== 'ignored'
  }

  /**
   * Our dice are thrown for each call and never read from the trace id: a caller chooses that, and could choose one that
   * is always, or never, traced.
   */
  decide(parent: TraceContext | undefined, nowMs: number): boolean {
    const { callers } = this.#rules
    if (callers === 'trusted' && parent !== undefined) return parent.sampled && this.#all.take(nowMs)
    if (this.#random() < this.#rules.ratio) return this.#all.take(nowMs)
    if (callers !== 'limited' || parent?.sampled !== true) return false
    return this.#asked.take(nowMs) && this.#all.take(nowMs)
  }
}

/** So many a second, and one second's worth saved up. */
export class Allowance {
  readonly #perSecond: number
  #left: number
  #at = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  take(nowMs: number): boolean {
    const gained = (Math.max(0, nowMs - this.#at) / 1_000) * this.#perSecond
    this.#left = Math.min(this.#perSecond, this.#left + gained)
    this.#at = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
