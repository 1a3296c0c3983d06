/** Finds the authorization server of an upstream: RFC 9728 metadata, then RFC 8414 and OpenID forms in the order of MCP. */
import type { ServerMetadata } from 'openid-client'
import { Fault } from '../../core/fault.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { type GuardedFetch, requireAllowed } from '../../core/guarded-fetch.ts'

export interface DiscoveryOptions {
  readonly endpoint: URL
  /** The only authorization server to deal with. */
  readonly issuer?: string
  readonly fetch: GuardedFetch
  readonly plaintext: boolean
}

/** What was found of an upstream. */
export interface Found {
  /** For `resource` in every request (RFC 8707). */
  readonly resource: string
  /** What the resource says is useful there; undefined when it says nothing. */
  readonly scopes?: readonly string[]
  /** What the upstream asks for in its challenge; absent when it asks for nothing. */
  readonly challenged?: readonly string[]
  /** Where a challenge to a caller said that the metadata are; absent when the gateway has found them by itself. */
  readonly metadataUrl?: string
  readonly server: ServerMetadata
}

/** Rejects with `upstream.unavailable`; the reason is in its detail. */
export async function discover(options: DiscoveryOptions, metadataUrl: string | undefined): Promise<Found> {
  try {
    const resource = await resourceMetadata(options, metadataUrl)
    const issuer = chooseIssuer(options.issuer, resource?.['authorization_servers'])
    const server = await serverMetadata(options, issuer)
    const scopes = resource?.['scopes_supported']
    return {
      resource: resource === undefined ? options.endpoint.href : (resource['resource'] as string),
      ...(Array.isArray(scopes) && { scopes: scopes.filter((scope) => typeof scope === 'string') }),
      server,
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : 'discovery'
    throw new Fault('upstream.unavailable', { reason: `discovery: ${reason}` }, { cause })
  }
}

/** The challenge's URL, or else both well-known places (MCP "Protected Resource Metadata Discovery Requirements"). */
async function resourceMetadata(options: DiscoveryOptions, told: string | undefined): Promise<Params | undefined> {
  const { endpoint, issuer } = options
  const path = endpoint.pathname === '/' ? '' : endpoint.pathname
  const base = `${endpoint.origin}/.well-known/oauth-protected-resource`
  const places = told === undefined ? [...new Set([`${base}${path}`, base])] : [told]
  for (const place of places) {
    const metadata = await getJson(options, place)
    if (metadata === undefined) continue
    if (!coversEndpoint(metadata['resource'], endpoint)) throw new Error('the metadata are of another resource')
    return metadata
  }
  if (issuer !== undefined && told === undefined) return undefined
  throw new Error('the upstream has no resource metadata')
}

/** The resource itself or one above it, so that tokens for it are meant for this endpoint (RFC 9728 §3.3, RFC 8707 §2). */
function coversEndpoint(resource: unknown, endpoint: URL): boolean {
  const url = typeof resource === 'string' ? URL.parse(resource) : null
  if (url === null || url.origin !== endpoint.origin || url.hash !== '') return false
  const path = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`
  return `${endpoint.pathname}/`.startsWith(path)
}

function chooseIssuer(wanted: string | undefined, listed: unknown): string {
  const issuers = Array.isArray(listed) ? listed.filter((one) => typeof one === 'string') : []
  if (wanted === undefined) {
    if (issuers[0] === undefined) throw new Error('no authorization server is named')
    return issuers[0]
  }
  if (listed !== undefined && !issuers.includes(wanted)) throw new Error('another authorization server is named')
  return wanted
}

async function serverMetadata(options: DiscoveryOptions, issuer: string): Promise<ServerMetadata> {
  for (const place of metadataPlaces(issuer)) {
    const metadata = await getJson(options, place)
    if (metadata === undefined) continue
    // A document of somebody else must not lend itself to this issuer (RFC 8414 §3.3).
    if (metadata['issuer'] !== issuer) throw new Error('the metadata name another issuer')
    return requireUsable(metadata, options)
  }
  throw new Error('the authorization server has no metadata')
}

/** MCP 2026-07-28 "Authorization Server Metadata Discovery". */
export function metadataPlaces(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  const [oauth, openid] = ['oauth-authorization-server', 'openid-configuration']
  const inserted = [oauth, openid].map((name) => `${origin}/.well-known/${name}${path}`)
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/${openid}`]
}

const ENDPOINTS = ['authorization_endpoint', 'token_endpoint', 'registration_endpoint'] as const

/** Endpoints may be reached by people's browsers too, so nothing but a safe https URL is let through. */
function requireUsable(metadata: Params, { plaintext }: DiscoveryOptions): ServerMetadata {
  if (typeof metadata['token_endpoint'] !== 'string') throw new Error('the metadata name no token endpoint')
  for (const name of ENDPOINTS) {
    const endpoint = metadata[name]
    if (endpoint === undefined) continue
    if (typeof endpoint !== 'string') throw new Error(`${name} is not a URL`)
    requireAllowed(endpoint, { plaintext, isInside: () => false })
  }
  return metadata as unknown as ServerMetadata
}

/** Undefined for any other status than 200: then the next place is looked at. */
async function getJson({ fetch }: DiscoveryOptions, url: string): Promise<Params | undefined> {
  const response = await fetch(url, { method: 'GET', headers: { accept: 'application/json' } })
  if (response.status >= 300 && response.status < 400) throw new Error('a metadata document redirects')
  if (response.status !== 200) return undefined
  const value: unknown = await response.json()
  if (!isRecord(value)) throw new Error('a metadata document is not an object')
  return value
}
