/** Cedar's ipaddr: one address, or a network in CIDR form. */
import { isIPv4, isIPv6 } from 'node:net'
import { EvaluationError, type ExtensionValue } from './value.ts'

const PREFIX = /^(?:0|[1-9]\d{0,2})$/

export class IpRange implements ExtensionValue {
  readonly kind = 'ipaddr'
  readonly version: 4 | 6
  readonly address: bigint
  readonly prefix: number

  constructor(version: 4 | 6, address: bigint, prefix: number) {
    this.version = version
    this.address = address
    this.prefix = prefix
  }

  get key(): string {
    return `${this.version}:${this.address}/${this.prefix}`
  }

  /** Parses `10.0.0.0/8`, `10.1.2.3`, `2001:db8::/32`, as policies write them. Throws EvaluationError for anything else. */
  static parse(text: string): IpRange {
    const slash = text.indexOf('/')
    const host = slash < 0 ? text : text.slice(0, slash)
    const version = isIPv4(host) ? 4 : isIPv6(host) && !/[.%]/.test(host) ? 6 : undefined
    const bits = version === 4 ? 32 : 128
    const prefix = slash < 0 ? String(bits) : text.slice(slash + 1)
    if (version === undefined || !PREFIX.test(prefix) || Number(prefix) > bits) {
      throw new EvaluationError(`not an IP address: ${JSON.stringify(text)}`)
    }
    return new IpRange(version, version === 4 ? bitsOf4(host) : bitsOf6(host), Number(prefix))
  }

  /** The address of a peer: without its zone, and IPv4 where a dual-stack socket wraps it (RFC 4291 §2.5.5.2). */
  static ofPeer(address: string): IpRange {
    const bare = address.replace(/%.*$/, '')
    return IpRange.parse(bare.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ''))
  }

  within(other: IpRange): boolean {
    if (this.version !== other.version || this.prefix < other.prefix) return false
    const shift = BigInt((this.version === 4 ? 32 : 128) - other.prefix)
    return this.address >> shift === other.address >> shift
  }
}

function bitsOf4(host: string): bigint {
  return host.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
}

function bitsOf6(host: string): bigint {
  const [head = '', tail] = host.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].reduce((bits, part) => (bits << 16n) | BigInt(`0x${part}`), 0n)
}
