/** Reads the two messages with which a SOCKS5 client asks for a connection (RFC 1928), and writes their answers. */
import { SocketAddress } from 'node:net'
import type { Found } from './peek.ts'
import { Refused, type Reason } from './refused.ts'

export const SOCKS_VERSION = 5
/** Version, command, reserved, type, length, 255 bytes of name, port: the longest request. */
export const MAX_SOCKS_BYTES = 262

const NO_AUTHENTICATION = 0
const CONNECT = 1
const IPV4 = 1
const NAME = 3
const IPV6 = 4

export interface SocksRequest {
  /** Bytes of a name as they came, or an address in its usual form. */
  readonly host: string
  readonly port: number
  readonly command: 'connect' | 'other'
}

export const METHOD_ACCEPTED = Buffer.from([SOCKS_VERSION, NO_AUTHENTICATION])
export const METHOD_REFUSED = Buffer.from([SOCKS_VERSION, 0xff])

/** Whether the client offers to come without a password, which is the only way: the listener says whose it is. */
export function readGreeting(bytes: Buffer): Found<boolean> | undefined {
  if (bytes[0] !== SOCKS_VERSION) throw new Refused('protocol')
  const methods = bytes[1]
  if (methods === undefined || bytes.length < 2 + methods) return undefined
  return { value: bytes.subarray(2, 2 + methods).includes(NO_AUTHENTICATION), used: 2 + methods }
}

/** Undefined while bytes are missing. Throws Refused `protocol`. */
export function readRequest(bytes: Buffer): Found<SocksRequest> | undefined {
  const [version, command, reserved, type] = bytes
  if ((version ?? SOCKS_VERSION) !== SOCKS_VERSION || (reserved ?? 0) !== 0) throw new Refused('protocol')
  if (type === undefined) return undefined
  const span = hostSpan(bytes, type)
  if (span === undefined || bytes.length < span.end + 2) return undefined
  const host = hostText(bytes.subarray(span.start, span.end), type)
  const port = bytes.readUInt16BE(span.end)
  return { value: { host, port, command: command === CONNECT ? 'connect' : 'other' }, used: span.end + 2 }
}

function hostSpan(bytes: Buffer, type: number): { readonly start: number; readonly end: number } | undefined {
  if (type === IPV4) return { start: 4, end: 8 }
  if (type === IPV6) return { start: 4, end: 20 }
  if (type !== NAME) throw new Refused('protocol')
  const length = bytes[4]
  return length === undefined ? undefined : { start: 5, end: 5 + length }
}

function hostText(bytes: Buffer, type: number): string {
  if (type === NAME) return bytes.toString('latin1')
  if (type === IPV4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

/** RFC 1928, section 6; undefined: granted. */
export function socksReply(reason: Reason | undefined): Buffer {
  return Buffer.from([SOCKS_VERSION, replyCode(reason), 0, IPV4, 0, 0, 0, 0, 0, 0])
}

function replyCode(reason: Reason | undefined): number {
  if (reason === undefined) return 0
  if (reason === 'protocol') return 7 // command not supported
  return reason === 'unresolved' || reason === 'timeout' ? 4 : 2 // host unreachable : not allowed by the rules
}
