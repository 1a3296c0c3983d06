/** A bounded memory of what was asked of the network, in which many askers share one question. */
export interface RememberedOptions<Value> {
  readonly max: number
  /** Until when a value needs no new question, milliseconds since the epoch. */
  readonly freshUntil: (value: Value, now: number) => number
  /** How long a question that failed is not asked again: a dead responder must not cost every connection its deadline. */
  readonly retryMs: number
}

interface Kept<Value> {
  readonly value?: Value
  readonly failure?: unknown
  readonly until: number
}

export class Remembered<Value> {
  readonly #options: RememberedOptions<Value>
  readonly #kept = new Map<string, Kept<Value>>()
  readonly #pending = new Map<string, Promise<Value>>()

  constructor(options: RememberedOptions<Value>) {
    this.#options = options
  }

  /** Asks unless the answer is known or on its way. Rejects as `ask` does, also for a while after it did. */
  get(name: string, now: number, ask: () => Promise<Value>): Promise<Value> {
    const kept = this.#kept.get(name)
    if (kept !== undefined && now < kept.until) {
      return kept.value === undefined ? Promise.reject(kept.failure) : Promise.resolve(kept.value)
    }
    const pending = this.#pending.get(name)
    if (pending !== undefined) return pending
    const { freshUntil, retryMs } = this.#options
    const answer = ask().then(
      (value) => {
        this.#keep(name, { value, until: freshUntil(value, now) })
        return value
      },
      (failure: unknown) => {
        this.#keep(name, { failure, until: now + retryMs })
        throw failure
      },
    )
    const settled = answer.finally(() => this.#pending.delete(name))
    this.#pending.set(name, settled)
    return settled
  }

  #keep(name: string, kept: Kept<Value>): void {
    this.#kept.delete(name)
    this.#kept.set(name, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#options.max && oldest !== undefined) this.#kept.delete(oldest)
  }
}
