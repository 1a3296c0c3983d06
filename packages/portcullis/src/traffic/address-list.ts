import { BlockList, isIPv6 } from 'node:net'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import { type Network, parseNetwork, plainAddress } from './network.ts'

export interface AddressEntry {
  /** An address or a network, such as `192.0.2.7` or `2001:db8::/32`. */
  readonly network: string
  /** For operators and the audit record. */
  readonly reason: string
  /** Milliseconds since the epoch; absent for ever. */
  readonly expiresAt?: number
}

/**
 * Check `traffic.address`: who may connect at all, before anything of the request is looked at.
 *
 * A blocked address is refused even if it is also allowed. If `allowed` was given entries, only what it lists is served:
 * an allow list whose last entry expired is not an open door. Throws `traffic.address_blocked`.
 */
export function addressStage(blocked: AddressList, allowed: AddressList): Check<Exchange> {
  return {
    name: 'traffic.address',
    check({ peer }) {
      if (blocked.inUse) {
        const entry = blocked.match(peer.address)
        if (entry !== undefined) throw new Fault('traffic.address_blocked', { address: peer.address, ...entry })
      }
      if (allowed.inUse && allowed.match(peer.address) === undefined) {
        throw new Fault('traffic.address_blocked', { address: peer.address, reason: 'not on the allow list' })
      }
    },
  }
}

interface Listed {
  readonly entry: AddressEntry
  readonly network: Network
}

/** A set of addresses and networks, each with its reason and expiry. */
export class AddressList {
  readonly #clock: Clock
  #listed: readonly Listed[] = []
  #all = familiesOf([])
  #nextExpiry = Number.POSITIVE_INFINITY
  #inUse = false

  /** Throws TypeError for an entry that is no network. */
  constructor(entries: readonly AddressEntry[], clock: Clock) {
    this.#clock = clock
    this.replace(entries)
  }

  /** Whether it was given entries, be they expired by now. */
  get inUse(): boolean {
    return this.#inUse
  }

  /** Takes the place of all entries at once. Throws TypeError for an entry that is no network, and then changes nothing. */
  replace(entries: readonly AddressEntry[]): void {
    const listed = entries.map((entry) => ({ entry, network: parseNetwork(entry.network) }))
    this.#inUse = entries.length > 0
    this.#keep(listed)
  }

  /** The entry that lists the address, or undefined. */
  match(address: string): AddressEntry | undefined {
    if (this.#clock.now() >= this.#nextExpiry) this.#keep(this.#listed)
    const plain = plainAddress(address)
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4'
    if (!this.#all[family].check(plain, family)) return undefined
    return this.#listed.find(
      ({ network }) => network.family === family && familiesOf([network])[family].check(plain, family),
    )?.entry
  }

  #keep(listed: readonly Listed[]): void {
    const now = this.#clock.now()
    this.#listed = listed.filter(({ entry }) => (entry.expiresAt ?? Number.POSITIVE_INFINITY) > now)
    this.#nextExpiry = this.#listed.reduce(
      (next, { entry }) => Math.min(next, entry.expiresAt ?? next),
      Number.POSITIVE_INFINITY,
    )
    this.#all = familiesOf(this.#listed.map(({ network }) => network))
  }
}

/** One list for each family: in a common one an IPv6 network can cover every IPv4 address by its mapped form. */
function familiesOf(networks: readonly Network[]): Readonly<Record<Network['family'], BlockList>> {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const { address, prefix, family } of networks) lists[family].addSubnet(address, prefix, family)
  return lists
}
