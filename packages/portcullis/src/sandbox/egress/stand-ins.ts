/**
 * Gives each name that a program looks up an address that stands for it, so that a connection to the address tells the
 * name. Addresses are of the network for benchmarks (RFC 2544), which is nobody's.
 */

/** 198.18.0.0/15 has more than enough; a name that was given an address keeps it, since programs remember. */
const MAX_NAMES = 4_096
const FIRST = 198 * 2 ** 24 + 18 * 2 ** 16 + 1

export class StandIns {
  readonly #addresses = new Map<string, string>()
  readonly #names = new Map<string, string>()

  /** Undefined when there are no addresses left. The name must be allowed. */
  addressOf(name: string): string | undefined {
    const known = this.#addresses.get(name)
    if (known !== undefined) return known
    if (this.#addresses.size >= MAX_NAMES) return undefined
    const address = dotted(FIRST + this.#addresses.size)
    this.#addresses.set(name, address)
    this.#names.set(address, name)
    return address
  }

  nameOf(address: string): string | undefined {
    return this.#names.get(address)
  }
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
}
