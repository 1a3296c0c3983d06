/**
 * Decides what the stages are told of the head of an HTTP/2 request (RFC 9113 §8.3): the same as of one over HTTP/1.1, so that one
 * code judges both. What contradicts itself is told as such, and refused there.
 */
import type { RequestHead } from '../core/exchange.ts'
import { targetOf } from './request-head.ts'

const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path'])
/** They belong to a connection of HTTP/1.1; a proxy that passed them on would be told something of its own (RFC 9113 §8.2.2). */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/**
 * `raw` are names and values in turn, as they came; `isWhole` when no body follows. A body of a length that was not told is told as
 * one in chunks, which is how HTTP/1.1 brings it.
 */
export function http2Head(raw: readonly string[], isWhole: boolean): RequestHead {
  const pseudo = new Map<string, string>()
  const headers = Object.create(null) as Record<string, string>
  const repeated = new Set<string>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    if (name.startsWith(':')) pseudo.set(pseudo.has(name) ? ':repeated' : name, value)
    else if (!(name in headers)) headers[name] = value
    else {
      // A client may send the cookies one by one (RFC 9113 §8.2.3).
      headers[name] += name === 'cookie' ? `; ${value}` : `, ${value}`
      if (name !== 'cookie') repeated.add(name)
    }
  }
  const conflict = conflictIn(pseudo, headers)
  const authority = pseudo.get(':authority')
  if (authority !== undefined) headers['host'] = authority
  if (!isWhole && headers['content-length'] === undefined && conflict === undefined)
    headers['transfer-encoding'] = 'chunked'
  return {
    method: pseudo.get(':method') ?? '',
    ...targetOf(pseudo.get(':path') ?? ''),
    headers,
    ...(repeated.size > 0 && { repeated: [...repeated] }),
    ...(conflict !== undefined && { conflict }),
  }
}

function conflictIn(
  pseudo: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  for (const name of pseudo.keys()) if (!PSEUDO.has(name)) return 'an unknown or repeated pseudo-header'
  const authority = pseudo.get(':authority')
  if (authority === undefined) return 'no authority'
  if (headers['host'] !== undefined && headers['host'] !== authority) return 'two hosts'
  if (pseudo.get(':scheme') !== 'https') return 'another scheme'
  for (const name in headers) if (OF_A_CONNECTION.has(name)) return 'a header of a connection'
  return headers['te'] === undefined || headers['te'] === 'trailers' ? undefined : 'a transfer coding'
}
