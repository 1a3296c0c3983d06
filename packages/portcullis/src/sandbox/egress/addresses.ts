/**
 * Decides which addresses may be dialled for a name that is allowed, because whoever owns the name chooses the address.
 *
 * Networks are those of the IANA registries of special-purpose addresses (RFC 6890 and its updates), metadata services those
 * that cloud providers document. Networks for documentation stay open: nothing of value is there, and some networks
 * route them to services of their own.
 */
import { BlockList, isIP } from 'node:net'

/**
 * `public` may be dialled. `private` only where a rule says so. `guarded` never, although it looks private: link-local
 * addresses and the metadata services of clouds hand out credentials. `never` is no place, or a way around the others.
 */
export type AddressClass = 'public' | 'private' | 'guarded' | 'never'

const IPV4 = {
  guarded: list('ipv4', [
    '169.254.0.0/16', // link-local; metadata of most clouds
    '100.100.100.200/32', // metadata of Alibaba Cloud
    '168.63.129.16/32', // host agent of Azure
  ]),
  private: list('ipv4', [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '127.0.0.0/8',
    '100.64.0.0/10', // carrier-grade NAT; overlay networks of companies
    '198.18.0.0/15', // benchmarking; stands for names inside
  ]),
  never: list('ipv4', [
    '0.0.0.0/8',
    '192.0.0.0/24', // protocol assignments
    '192.88.99.0/24', // 6to4 relays
    '224.0.0.0/4', // multicast
    '240.0.0.0/4', // reserved, and broadcast
  ]),
} as const

const IPV6 = {
  guarded: list('ipv6', [
    'fe80::/10',
    'fd00:ec2::/32', // services of AWS for its machines: metadata, and credentials of pods
    'fd20:ce::254/128', // metadata of Google Cloud
    'fd00:c1::a9fe:a9fe/128', // metadata of Oracle Cloud
    'fd00:42::42/128', // metadata of Scaleway
  ]),
  private: list('ipv6', ['::1/128', 'fc00::/7']),
  never: list('ipv6', [
    '2001::/23', // Teredo, ORCHID, benchmarking and other protocol assignments
    '2002::/16', // 6to4: an IPv4 address of anyone's choice
  ]),
} as const

/**
 * Of IPv6 only global unicast is assigned. All else is refused by this one line: unspecified, mapped and compatible IPv4,
 * NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), discard, site-local, segment routing, multicast.
 */
const GLOBAL_IPV6 = list('ipv6', ['2000::/3'])

/** `own`: addresses of this host's interfaces, which are private whatever they look like. */
export function classify(address: string, own: readonly string[]): AddressClass {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return 'never'
  const kind = family === 4 ? kindOf(IPV4, address, 'ipv4') : kindOfIPv6(address)
  return kind === 'public' && isOwn(address, own) ? 'private' : kind
}

function kindOfIPv6(address: string): AddressClass {
  const kind = kindOf(IPV6, address, 'ipv6')
  return kind === 'public' && !GLOBAL_IPV6.check(address, 'ipv6') ? 'never' : kind
}

function kindOf(lists: typeof IPV4 | typeof IPV6, address: string, family: 'ipv4' | 'ipv6'): AddressClass {
  if (lists.never.check(address, family)) return 'never'
  if (lists.guarded.check(address, family)) return 'guarded'
  return lists.private.check(address, family) ? 'private' : 'public'
}

/** Compared as numbers: an IPv6 address has many spellings. */
function isOwn(address: string, own: readonly string[]): boolean {
  const family = isIP(address)
  const same = own.filter((each) => isIP(each) === family).map((each) => `${each}/${family === 4 ? 32 : 128}`)
  return same.length > 0 && list(family === 4 ? 'ipv4' : 'ipv6', same).check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function list(family: 'ipv4' | 'ipv6', networks: readonly string[]): BlockList {
  const blocks = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    blocks.addSubnet(withoutZone(address), Number(prefix), family)
  }
  return blocks
}

function withoutZone(address: string): string {
  return address.split('%')[0] ?? ''
}
