/** Failed sign-ins of addresses: a count for each that fades within a minute. Nobody is known yet, so there is no usual. */
interface Tries {
  count: number
  at: number
}

const WINDOW_MS = 60_000

export class Strangers {
  readonly #halfOfKeys: number
  #young = new Map<string, Tries>()
  #old = new Map<string, Tries>()

  /** Memory is bounded by two generations, as that of rate limits: who wants to be forgotten has to fail all the more often. */
  constructor(maxNetworks = 20_000) {
    this.#halfOfKeys = Math.max(1, Math.floor(maxNetworks / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Counts one and returns the count, faded. `now` in ms since the epoch. */
  failed(network: string, now: number): number {
    const known = this.#young.get(network) ?? this.#aged(network)
    const tries = known ?? this.#remember(network, { count: 0, at: now })
    tries.count = tries.count * Math.exp(-Math.max(0, now - tries.at) / WINDOW_MS) + 1
    tries.at = now
    return tries.count
  }

  /** False when none were counted. */
  forget(network: string): boolean {
    const wasYoung = this.#young.delete(network)
    return this.#old.delete(network) || wasYoung
  }

  #aged(network: string): Tries | undefined {
    const tries = this.#old.get(network)
    if (tries === undefined) return undefined
    this.#old.delete(network)
    return this.#remember(network, tries)
  }

  #remember(network: string, tries: Tries): Tries {
    if (this.#young.size >= this.#halfOfKeys) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(network, tries)
    return tries
  }
}
