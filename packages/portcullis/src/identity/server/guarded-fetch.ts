/** Decides where a stranger can make us connect to: public addresses only, looked at once and then connected to. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { buildConnector, Dispatcher } from 'undici'
import { readAtMost } from '../../core/read-at-most.ts'

export interface GuardedFetchOptions {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Networks of this house that may be reached all the same, such as `10.1.0.0/16`. */
  readonly privateNetworks: readonly string[]
  /** PEM of authorities to trust beside the usual ones. */
  readonly ca?: readonly string[]
}

/** IANA special-purpose address registries (RFC 6890), multicast, and the IPv6 forms that carry an IPv4 address. */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const
const SPECIAL_V6 = [
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/63',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
] as const

/** A fetch whose every connection is guarded. It follows no redirect and takes no more than `maxBytes`. */
export function guardedFetch(options: GuardedFetchOptions): typeof fetch {
  let dispatcher: Promise<Dispatcher> | undefined
  return async (input, init) => {
    const { request } = await import('undici')
    dispatcher ??= guardedDispatcher(options)
    const url = String(input instanceof Request ? input.url : input)
    const headers = Object.fromEntries(new Headers(init?.headers))
    const answer = await request(url, {
      method: 'GET',
      headers: { ...headers, 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(options.timeoutMs),
      dispatcher: await dispatcher,
    })
    const body = await readAtMost(answer.body, options.maxBytes, 'the host')
    const kept = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' && /^(?:cache-control|expires|content-type)$/.test(name) ? [[name, value]] : [],
    )
    return new Response(new Uint8Array(body), { status: answer.statusCode, headers: kept })
  }
}

/** Whether an address belongs to nobody in public, so that a request to it stays inside. */
export function isSpecialAddress(address: string, allowed: BlockList = new BlockList()): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(address) === 0) return true
  return SPECIAL[family].check(address, family) && !allowed.check(address, family)
}

/** Apart, because the list holds every IPv4 address against the mapped IPv6 form too. */
const SPECIAL = { ipv4: networks(SPECIAL_V4), ipv6: networks(SPECIAL_V6) } as const

function networks(list: readonly string[]): BlockList {
  const blocks = new BlockList()
  for (const network of list) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    blocks.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return blocks
}

/** The name is resolved here and the connection made to that very address, so a second answer of the DNS changes nothing. */
async function guardedDispatcher({ privateNetworks, ca, timeoutMs }: GuardedFetchOptions): Promise<Dispatcher> {
  const { Agent, buildConnector: build } = await import('undici')
  const { rootCertificates } = await import('node:tls')
  const allowed = networks(privateNetworks)
  const trust = ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }
  const connect = build({ ...trust, timeout: timeoutMs })
  const guarded: buildConnector.connector = (target, callback) => {
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1')
    resolve(host, allowed).then(
      (address) => connect({ ...target, hostname: address, ...(isIP(host) === 0 && { servername: host }) }, callback),
      (error: Error) => callback(error, null),
    )
  }
  return new Agent({
    connect: guarded,
    connections: 4,
    pipelining: 1,
    bodyTimeout: timeoutMs,
    headersTimeout: timeoutMs,
  })
}

/** One address of the name. Rejects when any of them is inside: a name that leads to both is up to something. */
async function resolve(host: string, allowed: BlockList): Promise<string> {
  const found =
    isIP(host) === 0 ? (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address) : [host]
  const [first] = found
  if (first === undefined || found.some((address) => isSpecialAddress(address, allowed))) {
    throw new Error('the host has no public address')
  }
  return first
}
