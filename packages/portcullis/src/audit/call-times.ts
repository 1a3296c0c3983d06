/** Decides which call an access belongs to: the only one that ran on the process while it lasted, or none. */

/** Calls that have ended and are remembered, for connections that end after them. */
const MAX_ENDED = 256

interface CallTime {
  readonly incident: string
  readonly from: number
  readonly to: number
}

/** All times in milliseconds since the epoch. */
export class CallTimes {
  readonly #running = new Map<string, number>()
  readonly #ended: CallTime[] = []
  /** Before this nothing can be said any more. */
  #forgottenTo = -Infinity

  begin(incident: string, at: number): void {
    this.#running.set(incident, at)
  }

  end(incident: string, at: number): void {
    const from = this.#running.get(incident)
    if (from === undefined) return
    this.#running.delete(incident)
    this.#ended.push({ incident, from, to: at })
    if (this.#ended.length > MAX_ENDED) this.#forgottenTo = this.#ended.shift()?.to ?? this.#forgottenTo
  }

  /** For what lasted: the call that was running at `from`, when no other ran until `to`. */
  only(from: number, to: number): string | undefined {
    const call = this.#single(from, to)
    return call !== undefined && call.began <= from ? call.incident : undefined
  }

  /** For what happened at an unknown moment from `from` to `to`: the call that ran in that time, when no other did. */
  met(from: number, to: number): string | undefined {
    return this.#single(from, to)?.incident
  }

  #single(from: number, to: number): { readonly incident: string; readonly began: number } | undefined {
    if (from <= this.#forgottenTo) return undefined
    const met = new Map<string, number>()
    for (const call of this.#ended) if (call.to > from && call.from <= to) met.set(call.incident, call.from)
    for (const [incident, began] of this.#running) if (began <= to) met.set(incident, began)
    const [only, another] = met
    if (only === undefined || another !== undefined) return undefined
    return { incident: only[0], began: only[1] }
  }
}
