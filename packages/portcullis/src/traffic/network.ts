import { isIP, isIPv4, isIPv6 } from 'node:net'
import { addressWords } from './address-words.ts'

/** Decides what counts as one address, so that no spelling of it escapes a list or a limit. */

/** Removes the zone, and turns an IPv4 address that a dual-stack socket shows as `::ffff:192.0.2.1` into itself. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  const zone = address.indexOf('%')
  const bare = zone < 0 ? address : address.slice(0, zone)
  return isIPv6(bare) ? (mappedIPv4(groupsOf(bare)) ?? bare.toLowerCase()) : bare
}

/**
 * What limits count by: an IPv4 address, or the /64 of an IPv6 address, for one customer commonly owns all of it
 * (RFC 6177). Anything else is counted together.
 */
export function networkKey(address: string): string {
  const plain = plainAddress(address)
  if (isIPv4(plain)) return plain
  return isIPv6(plain) ? prefixKey(plain, 64) : 'unknown'
}

/**
 * The /48 of an IPv6 address, or of the key of its /64; undefined for any other. One site commonly owns all of it (RFC 6177),
 * 65,536 networks that would each have a limit of their own, so it is counted too, up to `SITE_FACTOR` times as much.
 */
export function siteKey(address: string): string | undefined {
  if (!address.includes(':')) return undefined
  const plain = plainAddress(address.replace(/\/64$/, ''))
  return isIPv6(plain) ? prefixKey(plain, 48) : undefined
}

/** How many networks of one site may reach their limits at once. */
export const SITE_FACTOR = 8

function prefixKey(address: string, bits: 48 | 64): string {
  const groups = groupsOf(address).slice(0, bits / 16)
  return `${groups.map((group) => group.toString(16)).join(':')}::/${bits}`
}

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; mapped IPv6 forms become IPv4. Throws TypeError for anything else. */
export function parseNetwork(text: string): Network {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const prefix = slash < 0 ? bits : prefixOf(text.slice(slash + 1))
  if (version === 0 || address.includes('%') || prefix > bits) throw new TypeError(`not an address or network: ${text}`)
  const mapped = version === 6 && prefix >= 96 ? mappedIPv4(groupsOf(address)) : undefined
  if (mapped !== undefined) return { address: mapped, prefix: prefix - 96, family: 'ipv4' }
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** The words of an address that `parseNetwork` gave. */
export const networkWords = ({ address }: Pick<Network, 'address'>): readonly number[] => addressWords(address) ?? []

/** One spelling for all that mean the same network: no bits behind its prefix, no prefix where it is one address. */
export function networkName({ address, prefix, family }: Network): string {
  const words = networkWords({ address }).map((word, at) => masked(word, prefix - 32 * at))
  const whole = family === 'ipv4' ? 32 : 128
  const text =
    family === 'ipv4'
      ? [24, 16, 8, 0].map((shift) => ((words[0] as number) >>> shift) & 255).join('.')
      : new URL(
          `http://[${words.map((word) => `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`).join(':')}]`,
        ).hostname.slice(1, -1)
  return prefix === whole ? text : `${text}/${prefix}`
}

/** The first `bits` of 32; those of a shift by 32 would be all of them. */
export function masked(word: number, bits: number): number {
  if (bits >= 32) return word
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0
}

const prefixOf = (text: string): number => (/^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY)

function mappedIPv4(groups: readonly number[]): string | undefined {
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined
  const [high = 0, low = 0] = groups.slice(6)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups of a valid IPv6 address (RFC 4291 section 2.2). */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const left = groupsIn(head)
  if (tail === undefined) return left
  const right = groupsIn(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

const groupsIn = (part: string): number[] =>
  part === ''
    ? []
    : part.split(':').flatMap((group) => (group.includes('.') ? dotted(group) : [Number.parseInt(group, 16)]))

function dotted(text: string): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [(a << 8) | b, (c << 8) | d]
}
