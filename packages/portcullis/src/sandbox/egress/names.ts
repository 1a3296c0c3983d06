/** Answers queries for names: with a stand-in for a name that the rules know, and with nothing for any other. */
import { type DnsAnswer, type DnsQuery, readQuery, TYPE_A, writeAnswer, writeFormatError } from './dns-query.ts'
import type { Reporter } from './report.ts'
import { hostName, type Rules } from './rules.ts'
import type { StandIns } from './stand-ins.ts'

/** The stand-in never changes, but programs that live long should ask again rather than keep it in files. */
const TTL_SECONDS = 60
const DNS_PORT = 53

export class Names {
  readonly #rules: Rules
  readonly #standIns: StandIns
  readonly #reporter: Reporter

  constructor(rules: Rules, standIns: StandIns, reporter: Reporter) {
    this.#rules = rules
    this.#standIns = standIns
    this.#reporter = reporter
  }

  /** The answer to one message; undefined for what must not be answered. Never throws. */
  answer(message: Buffer): Buffer | undefined {
    const query = readQuery(message)
    if (query === 'none') return undefined
    if (query === 'malformed') return writeFormatError(message)
    return writeAnswer(query, this.#decide(query))
  }

  #decide({ name, type }: DnsQuery): DnsAnswer {
    const host = hostName(name)
    if (host === undefined || !this.#rules.knows(host)) {
      this.#tell(name, host === undefined ? 'host' : 'not-allowed')
      return { kind: 'no-such-name' }
    }
    if (type !== TYPE_A) return { kind: 'empty' }
    const address = this.#standIns.addressOf(host)
    if (address !== undefined) return { kind: 'address', address, ttlSeconds: TTL_SECONDS }
    this.#tell(name, 'names')
    return { kind: 'failure' }
  }

  #tell(host: string, reason: 'host' | 'not-allowed' | 'names'): void {
    this.#reporter.refusedOften({ protocol: 'dns', host: host.toLowerCase(), port: DNS_PORT }, reason)
  }
}
