import type { Exchange } from '../core/exchange.ts'
import type { Wrap } from '../core/pipeline.ts'

/**
 * What a browser has to be told before a page of another origin may call and read the answer (Fetch standard, "CORS
 * protocol"). It is told only to pages whose origin was found among the allowed ones; credentials are bearer tokens, so
 * cookies are never allowed.
 */

/** What a page needs of an answer's head beside what every page may read. */
const EXPOSED =
  'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After, DPoP-Nonce, Accept-Signature, Content-Digest, Signature, Signature-Input'
const METHODS = 'POST, GET, DELETE'
const ANSWERS_ARE_KEPT_SECONDS = '600'
const HEADER_NAMES = /^[a-z0-9-]{1,64}(?:, ?[a-z0-9-]{1,64}){0,63}$/i

/** Headers of every answer to a page of this origin. */
export function readableBy(origin: string): Readonly<Record<string, string>> {
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'Origin' }
}

/**
 * Stage `traffic.preflight`, behind the check of the origin: answers the browser's question whether it may ask. There is
 * no credential in a preflight, and its answer says nothing of what is behind the path.
 */
export const preflight: Wrap<Exchange> = {
  name: 'traffic.preflight',
  wrap({ head }, next) {
    const { origin, 'access-control-request-method': method, 'access-control-request-headers': names } = head.headers
    if (head.method !== 'OPTIONS' || origin === undefined || method === undefined) return next()
    const headers: Record<string, string> = {
      'access-control-allow-methods': METHODS,
      'access-control-max-age': ANSWERS_ARE_KEPT_SECONDS,
    }
    if (typeof names === 'string' && HEADER_NAMES.test(names)) headers['access-control-allow-headers'] = names
    return Promise.resolve({ status: 200, headers })
  },
}
