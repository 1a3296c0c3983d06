/**
 * Addresses from which administrators, or others who are exempt, have signed in. Somebody else who guesses keys from behind the
 * same address must not get them locked out, so it is not blocked.
 */
const MAX = 1_000
const KEPT_MS = 30 * 24 * 3_600_000

export class Homes {
  /** When each was used last, in ms since the epoch; the oldest first. */
  readonly #seen = new Map<string, number>()

  visit(network: string, now: number): void {
    this.#seen.delete(network)
    if (this.#seen.size >= MAX) this.#seen.delete(this.#seen.keys().next().value as string)
    this.#seen.set(network, now)
  }

  has(network: string, now: number): boolean {
    const at = this.#seen.get(network)
    return at !== undefined && now - at < KEPT_MS
  }

  get entries(): readonly (readonly [network: string, at: number])[] {
    return [...this.#seen]
  }
}
