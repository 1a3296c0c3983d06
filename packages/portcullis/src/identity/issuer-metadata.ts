/** Finds the endpoints of an authorization server by its identifier (RFC 8414 §3, OpenID Connect Discovery §4, MCP order). */
import { type FetchJson, type FetchLimits, requireSafeUrl } from './fetch-json.ts'

/** What of an issuer's metadata we ask for. */
export type IssuerEndpoint = 'jwks_uri' | 'introspection_endpoint'

/**
 * Resolves with a URL of the issuer. Rejects with an Error when no document is found, or when the first one that is found
 * names another issuer: a document of somebody else must not lend us its keys (RFC 8414 §3.3).
 */
export async function discoverEndpoint(
  issuer: string,
  endpoint: IssuerEndpoint,
  fetchJson: FetchJson,
  plainHttp: FetchLimits['plainHttp'],
): Promise<string> {
  for (const url of metadataUrls(issuer)) {
    const metadata = await fetchJson(url)
    if (metadata === undefined) continue
    if (metadata['issuer'] !== issuer) throw new Error('the metadata name another issuer')
    const found = metadata[endpoint]
    if (typeof found !== 'string') throw new Error(`the metadata have no ${endpoint}`)
    requireSafeUrl(found, plainHttp)
    return found
  }
  throw new Error('the issuer has no metadata')
}

/** The places in which to look, in the order of MCP "Authorization Server Metadata Discovery". */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  const inserted = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
  ]
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}
