/**
 * Decides when an address whose connections had to be cut off again and again gets no new one: before its handshake, which would
 * cost more than all that follows. Connections that are open go on, for behind an address may be a whole office.
 */
import { networkKey } from './network.ts'

/** One connection that was cut off is forgiven after so many milliseconds. */
export const FORGIVEN_AFTER_MS = 6_000
/** Networks that are remembered at most. */
const MAX_NETWORKS = 10_000

export interface MisconductOptions {
  /** So many within a short while are borne; the next connection is refused. */
  readonly burst: number
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

/** Counts connections that were cut off, of each address; IPv6 by /64. */
export class Misconduct {
  readonly #options: MisconductOptions
  /** When all of a network's connections will be forgiven; milliseconds since the Unix epoch. */
  readonly #forgivenAt = new Map<string, number>()

  constructor(options: MisconductOptions) {
    this.#options = options
  }

  /** To be told of each connection that was cut off for what its client did. True when that is what bars the address. */
  tell(address: string): boolean {
    const { burst, now } = this.#options
    const key = networkKey(address)
    const at = now()
    const wasBarred = this.isBarred(address)
    // Nobody is kept out for longer than as many again take to be forgiven, whatever the open ones do.
    const last = at + 2 * burst * FORGIVEN_AFTER_MS
    const until = Math.min(last, Math.max(at, this.#forgivenAt.get(key) ?? 0) + FORGIVEN_AFTER_MS)
    this.#forgivenAt.delete(key)
    if (this.#forgivenAt.size >= MAX_NETWORKS) this.#forgetOne()
    this.#forgivenAt.set(key, until)
    return !wasBarred && this.isBarred(address)
  }

  /** True while this address gets no new connection. */
  isBarred(address: string): boolean {
    // Where nobody misbehaves, an address is not even looked at.
    if (this.#forgivenAt.size === 0) return false
    const { burst, now } = this.#options
    const key = networkKey(address)
    const until = this.#forgivenAt.get(key)
    if (until === undefined) return false
    const left = until - now()
    if (left <= 0) this.#forgivenAt.delete(key)
    return left > (burst - 1) * FORGIVEN_AFTER_MS
  }

  /** Who misbehaved last stays longest. */
  #forgetOne(): void {
    const [oldest] = this.#forgivenAt.keys()
    if (oldest !== undefined) this.#forgivenAt.delete(oldest)
  }
}
