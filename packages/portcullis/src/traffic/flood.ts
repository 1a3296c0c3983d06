import { networkKey } from './network.ts'

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

/** Counts the open sockets of each address, IPv6 by /64. */
export class ConnectionGate {
  readonly #maxPerAddress: number
  readonly #open = new Map<string, number>()

  constructor(maxPerAddress: number = FLOOD.maxConnectionsPerAddress) {
    this.#maxPerAddress = maxPerAddress
  }

  /** True when one more socket of this address is taken; then `release` must be called once when it closes. */
  admit(address: string): boolean {
    const key = networkKey(address)
    const open = this.#open.get(key) ?? 0
    if (open >= this.#maxPerAddress) return false
    this.#open.set(key, open + 1)
    return true
  }

  release(address: string): void {
    const key = networkKey(address)
    const open = this.#open.get(key) ?? 0
    if (open > 1) this.#open.set(key, open - 1)
    else this.#open.delete(key)
  }

  /** Addresses with open sockets. */
  get addresses(): number {
    return this.#open.size
  }
}
