/** Decides where a stranger can make us connect to: public addresses only, looked at once and then connected to. */
import { lookup } from 'node:dns/promises'
import { type BlockList, isIP } from 'node:net'
import type { buildConnector, Dispatcher } from 'undici'
import { readAtMost } from '../../core/read-at-most.ts'
import { isSpecialAddress, networksOf } from '../../core/special-addresses.ts'

export interface GuardedFetchOptions {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Networks of this house that may be reached all the same, such as `10.1.0.0/16`. */
  readonly privateNetworks: readonly string[]
  /** PEM of authorities to trust beside the usual ones. */
  readonly ca?: readonly string[]
}

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

/** The name is resolved here and the connection made to that very address, so a second answer of the DNS changes nothing. */
async function guardedDispatcher({ privateNetworks, ca, timeoutMs }: GuardedFetchOptions): Promise<Dispatcher> {
  const { Agent, buildConnector: build } = await import('undici')
  const { rootCertificates } = await import('node:tls')
  const allowed = networksOf(privateNetworks)
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
