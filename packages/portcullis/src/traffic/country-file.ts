/** Decides in which country a network is, from a file of the operator: nothing of that kind is brought along. */
import { csvFields, linesOf, ListFileError } from './list-file.ts'
import { networkWords, parseNetwork } from './network.ts'
import { NetworkTable } from './network-table.ts'

/** Where addresses are. */
export class Countries {
  readonly #networks = { 1: new NetworkTable<string>(1), 4: new NetworkTable<string>(4) }

  add(network: string, country: string): void {
    const parsed = parseNetwork(network)
    const words = networkWords(parsed)
    this.#networks[words.length as 1 | 4].add(words, parsed.prefix, country)
  }

  /** To be gone through once after the last network. */
  *finish(): Generator<void> {
    yield* this.#networks[1].sort()
    yield* this.#networks[4].sort()
  }

  get size(): number {
    return this.#networks[1].size + this.#networks[4].size
  }

  /** Two capital letters, by the smallest network that holds the address; undefined when none does. */
  of(words: readonly number[]): string | undefined {
    return this.#networks[words.length as 1 | 4].find(words, () => true)
  }
}

const MAX_NETWORKS = 5_000_000

/**
 * Reads lines of `network,country` in steps; further fields are left alone, a first line `network,…` is a head, and `#`
 * begins a comment. Throws ListFileError for the first line that cannot be read.
 */
export function* readCountryFile(bytes: Buffer): Generator<void, Countries> {
  const countries = new Countries()
  const known = new Map<string, string>()
  for (const [number, line] of linesOf(bytes)) {
    if (line.trim() !== '' && !line.startsWith('#')) addLine(countries, line, number, known)
    yield
  }
  yield* countries.finish()
  return countries
}

function addLine(countries: Countries, line: string, number: number, known: Map<string, string>): void {
  const [network = '', country = ''] = csvFields(line, number)
  if (number === 1 && network.toLowerCase() === 'network') return
  if (!/^[A-Za-z]{2}$/.test(country)) throw new ListFileError(number, 'a network and two letters of a country')
  const capitals = country.toUpperCase()
  // One text for each country, not for each line.
  const shared = known.get(capitals) ?? capitals
  known.set(capitals, shared)
  try {
    countries.add(network, shared)
  } catch {
    throw new ListFileError(number, 'a network such as 192.0.2.0/24 and two letters of a country')
  }
  if (countries.size > MAX_NETWORKS) throw new ListFileError(number, `among the first ${MAX_NETWORKS} networks`)
}
