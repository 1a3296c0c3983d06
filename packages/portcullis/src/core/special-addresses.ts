/**
 * Decides what kind of place an IP address is, once for everything that connects or looks at addresses.
 *
 * Networks are those of the IANA registries of special-purpose addresses (RFC 6890 and its updates, as of 2026), multicast
 * (RFC 5771, RFC 4291), and the metadata services that cloud providers document.
 */
import { BlockList, isIP } from 'node:net'

/**
 * `public` is anybody's. `private` is a house's own, loopback included. `guarded` hands out credentials: link-local addresses
 * and metadata services. `documentation` is nobody's, `service` is public infrastructure of the internet itself (AS112, AMT).
 * `never` is no place at all, or another spelling of any of these.
 */
export type AddressKind = 'public' | 'private' | 'guarded' | 'documentation' | 'service' | 'never'

type Table = Readonly<Record<Exclude<AddressKind, 'public'>, readonly string[]>>

const IPV4: Table = {
  guarded: [
    '169.254.0.0/16', // link-local; metadata of most clouds
    '100.100.100.200/32', // metadata of Alibaba Cloud
    '168.63.129.16/32', // host agent of Azure
  ],
  private: [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '127.0.0.0/8',
    '100.64.0.0/10', // carrier-grade NAT; overlay networks of companies
    '198.18.0.0/15', // benchmarking; stands for names inside
  ],
  documentation: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  service: ['192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24'],
  never: [
    '0.0.0.0/8',
    '192.0.0.0/24', // protocol assignments
    '192.88.99.0/24', // 6to4 relays
    '224.0.0.0/4', // multicast
    '240.0.0.0/4', // reserved, and broadcast
  ],
}

const IPV6: Table = {
  guarded: [
    'fe80::/10',
    'fd00:ec2::/32', // services of AWS for its machines: metadata, and credentials of pods
    'fd20:ce::254/128', // metadata of Google Cloud
    'fd00:c1::a9fe:a9fe/128', // metadata of Oracle Cloud
    'fd00:42::42/128', // metadata of Scaleway
  ],
  private: ['::1/128', 'fc00::/7'],
  documentation: ['2001:db8::/32', '3fff::/20'],
  service: ['2620:4f:8000::/48'],
  never: [
    '2001::/23', // Teredo, ORCHID, benchmarking and other protocol assignments
    '2002::/16', // 6to4: an IPv4 address of anyone's choice
  ],
}

/** What is refused for ever first. */
const ORDER = ['never', 'guarded', 'private', 'documentation', 'service'] as const
const LISTS = {
  ipv4: ORDER.map((kind) => [kind, networksOf(IPV4[kind])] as const),
  ipv6: ORDER.map((kind) => [kind, networksOf(IPV6[kind])] as const),
}

/**
 * Of IPv6 only global unicast is assigned. All else is refused by this one line: unspecified, mapped and compatible IPv4,
 * NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), discard, site-local, segment routing, multicast.
 */
const GLOBAL_IPV6 = networksOf(['2000::/3'])
const LOOPBACK = { ipv4: networksOf(['127.0.0.0/8']), ipv6: networksOf(['::1/128']) }

/** The kind of an address in the notation of RFC 4291 or four decimal numbers; `never` for anything else, zones included. */
export function addressKind(address: string): AddressKind {
  const family = familyOf(address)
  if (family === undefined) return 'never'
  const special = LISTS[family].find(([, networks]) => networks.check(address, family))
  if (special !== undefined) return special[0]
  return family === 'ipv4' || GLOBAL_IPV6.check(address, family) ? 'public' : 'never'
}

/** Whether an address belongs to nobody in public, so that a request to it stays inside; `allowed` are exceptions. */
export function isSpecialAddress(address: string, allowed?: BlockList): boolean {
  const family = familyOf(address)
  if (family === undefined) return true
  return addressKind(address) !== 'public' && allowed?.check(address, family) !== true
}

export function isLoopbackAddress(address: string): boolean {
  const family = familyOf(address)
  return family !== undefined && LOOPBACK[family].check(address, family)
}

/** A list of networks such as `10.1.0.0/16`; an address alone is a network of one. Throws for anything else. */
export function networksOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return undefined
  return family === 4 ? 'ipv4' : 'ipv6'
}
