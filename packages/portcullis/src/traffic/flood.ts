import { networkKey, SITE_FACTOR, siteKey } from './network.ts'

/**
 * What one listener takes before it lets go: slow heads, slow bodies, idle sockets, sockets without end.
 *
 * | value | against |
 * |---|---|
 * | `headersTimeoutMs` | TLS handshakes that stop, heads that trickle in byte by byte |
 * | `requestTimeoutMs` | bodies that do; it ends when the request has arrived, so streams of answers are free of it |
 * | `keepAliveTimeoutMs` | idle sockets; longer than the idle time of common load balancers would keep dead ones |
 * | `maxHeaderBytes`, `maxHeaders` | heads as big as bodies; a token of 8 KB and all MCP headers fit |
 * | `maxRequestsPerSocket` | one socket that stays for ever on one node |
 * | `maxConnections` | more sockets than a process has memory for: 66 KB each with TLS |
 * | `maxConnectionsPerAddress` | one address that takes all of them |
 */
export const FLOOD = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxRequestsPerSocket: 100_000,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 512,
} as const

/**
 * What one listener takes over HTTP/2, beside the values above: one socket brings many requests there.
 *
 * | value | against |
 * |---|---|
 * | `maxStreamsPerConnection` | requests at once without end |
 * | `maxStreamsPerAddress`, `maxStreams` | as many more streams as there are sockets: an address gets no more than over HTTP/1.1 |
 * | `maxSessionMiB` | header tables, queues and answers that wait, as the protocol's library counts them |
 * | `maxWaitingBytes` | answers of one connection that nobody reads, because its windows stay shut |
 * | `maxUnreadBytes` | more requests of a connection whose answers so far nobody reads: they would be carried out for nothing |
 * | `resetBurst`, `resetsPerSecond` | streams that are left before their answer (CVE-2023-44487), whoever resets them |
 * | `signalBurst`, `signalsPerSecond` | PING and SETTINGS, each of which has to be answered |
 * | `overheadBytesPerSecond`, `overheadBytesPerStream` | frames that are no request: empty, padded, unknown, of windows and priorities |
 * | `maxInvalidFrames` | frames that are not to be there, and streams above the bound |
 * | `stallMs`, `minBytesPerSecond` | answers that are read slowly or never |
 */
export const HTTP2_FLOOD = {
  maxStreamsPerConnection: 100,
  maxStreamsPerAddress: 512,
  maxStreams: 10_000,
  maxSessionMiB: 8,
  maxWaitingBytes: 16_777_216,
  maxUnreadBytes: 2_097_152,
  resetBurst: 100,
  resetsPerSecond: 20,
  signalBurst: 100,
  signalsPerSecond: 10,
  overheadBytesPerSecond: 262_144,
  overheadBytesPerStream: 98_304,
  maxInvalidFrames: 50,
  stallMs: 30_000,
  minBytesPerSecond: 8_192,
} as const

/** Counts what is open of each address, sockets or streams; IPv6 by /64, and by /48 for more. */
export class ConnectionGate {
  readonly #maxPerAddress: number
  readonly #open = new Map<string, number>()

  constructor(maxPerAddress: number = FLOOD.maxConnectionsPerAddress) {
    this.#maxPerAddress = maxPerAddress
  }

  /** True when one more socket of this address is taken; then `release` must be called once when it closes. */
  admit(address: string): boolean {
    const [key, site] = [networkKey(address), siteKey(address)]
    if (this.#of(key) >= this.#maxPerAddress) return false
    if (site !== undefined && this.#of(site) >= this.#maxPerAddress * SITE_FACTOR) return false
    this.#open.set(key, this.#of(key) + 1)
    if (site !== undefined) this.#open.set(site, this.#of(site) + 1)
    return true
  }

  release(address: string): void {
    for (const key of [networkKey(address), siteKey(address)]) {
      if (key === undefined) continue
      if (this.#of(key) > 1) this.#open.set(key, this.#of(key) - 1)
      else this.#open.delete(key)
    }
  }

  #of(key: string): number {
    return this.#open.get(key) ?? 0
  }

  /** Networks with open sockets. */
  get addresses(): number {
    return this.#open.size
  }
}
