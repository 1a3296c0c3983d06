/** Decides where strangers, upstreams and their authorization servers can make us connect to: https to public addresses, one hop, small, soon. */
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent } from 'undici'
import { readAtMost } from './read-at-most.ts'
import { type ProveServer, tlsAgent } from './tls-agent.ts'
import { isLoopbackAddress, isSpecialAddress, networksOf } from './special-addresses.ts'

export interface GuardOptions {
  /** Networks of this house that may be reached all the same, such as `10.1.0.0/16`. */
  readonly privateNetworks: readonly string[]
  /** Plain http is allowed, to a loopback address only. */
  readonly plaintext?: boolean
  /** Plain http is allowed to every address that https is: for what is signed itself, such as revocation lists. */
  readonly signed?: boolean
  /** PEM of authorities to trust beside the usual ones. */
  readonly ca?: string
  /** What has to be true of a server with TLS beside what the platform asks. */
  readonly prove?: ProveServer
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** What a URL is held against. */
export interface Guard {
  /** Whether an address belongs to this house; such ones are refused. */
  readonly isInside: (address: string) => boolean
  /** Plain http is allowed, to a loopback address only. */
  readonly plaintext: boolean
  readonly signed?: boolean
}

/** What is fetched: documents, and tokens for forms. */
export interface GuardedRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export type GuardedFetch = (url: string, request: GuardedRequest) => Promise<Response>

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Rejects with an Error for a place that is not allowed, and for an answer that is too large or too late. Redirects are answers. */
export function guardedFetch(options: GuardOptions): GuardedFetch {
  const allowed = networksOf(options.privateNetworks)
  const isInside = (address: string): boolean => isSpecialAddress(address, allowed)
  const guard = { isInside, plaintext: options.plaintext === true, signed: options.signed === true }
  let agents: Promise<{ readonly tls: Agent; readonly plain: Agent }> | undefined
  return async (text, { method, headers, body }) => {
    const url = requireAllowed(text, guard)
    // Loaded late: most gateways never fetch anything for anybody.
    const { request } = await import('undici')
    agents ??= guardedAgents(guard, options)
    const { tls, plain } = await agents
    const answer = await request(url, {
      method: method as 'GET',
      headers: { ...headers, 'accept-encoding': 'identity' },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(options.timeoutMs),
      dispatcher: url.protocol === 'http:' ? plain : tls,
    })
    const bytes = await readAtMost(answer.body, options.maxBytes, 'the host')
    const kept = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' && /^(?:cache-control|expires|content-type|www-authenticate|dpop-nonce)$/.test(name)
        ? [[name, value]]
        : [],
    )
    const hasBody = ![101, 204, 205, 304].includes(answer.statusCode)
    return new Response(hasBody ? new Uint8Array(bytes) : null, { status: answer.statusCode, headers: kept })
  }
}

/** Throws a TypeError for anything but https without credentials, or http to a loopback address where that is allowed. */
export function requireAllowed(text: string, { plaintext, signed, isInside }: Guard): URL {
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL with credentials')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'http:' && signed !== true) {
    if (plaintext && LOOPBACK_NAMES.has(url.hostname)) return url
    throw new TypeError('plain http is not allowed there')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('only https is allowed')
  if (isIP(host) !== 0 && isInside(host)) throw new TypeError('an address of this house')
  return url
}

async function guardedAgents({ isInside, signed }: Guard, { ca, timeoutMs, prove }: GuardOptions) {
  const trust = ca === undefined ? {} : { ca: [...(await import('node:tls')).rootCertificates, ca] }
  const agent = (lookUp: LookupFunction) =>
    tlsAgent(
      { ...trust, lookup: lookUp, timeout: timeoutMs },
      { connections: 8, pipelining: 1, bodyTimeout: timeoutMs, headersTimeout: timeoutMs },
      prove,
    )
  return {
    tls: await agent(checkedLookup((address) => !isInside(address))),
    plain: await agent(checkedLookup(signed === true ? (address) => !isInside(address) : isLoopbackAddress)),
  }
}

/** The connection goes to what was looked at, so a second answer of the DNS changes nothing. One bad address spoils a name. */
function checkedLookup(isGood: (address: string) => boolean): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const [first] = error === null ? found : []
      if (error !== null || first === undefined) return callback(error ?? new Error('no address'), '', 4)
      if (!found.every(({ address }) => isGood(address))) return callback(new Error('a name of this house'), '', 4)
      if (options.all === true) return callback(null, found)
      return callback(null, first.address, first.family)
    })
  }
}
