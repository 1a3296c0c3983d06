/** The requests to a token endpoint: a code, a refresh token or our own standing becomes a grant. */
import type { Configuration, TokenEndpointResponse } from 'openid-client'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { scopesOf } from './challenge.ts'
import { loadLibrary } from './client-identity.ts'
import type { Found } from './discovery.ts'
import type { Grant } from './settings.ts'

/** What every request is made with. */
export interface Desk {
  readonly found: Pick<Found, 'resource' | 'metadataUrl'>
  readonly client: Configuration
  readonly clock: Clock
}

/** What a code is exchanged with; made when the person was sent to the server. */
export interface CodeChecks {
  readonly verifier: string
  readonly state: string
  readonly scopes: readonly string[]
}

/** `callback` is where the person came back to, as we know it: its origin is never taken from the request. */
export async function redeem(desk: Desk, callback: URL, { verifier, state, scopes }: CodeChecks): Promise<Grant> {
  const library = await loadLibrary()
  const checks = { pkceCodeVerifier: verifier, expectedState: state }
  const { resource } = desk.found
  return grantOf(desk, await library.authorizationCodeGrant(desk.client, callback, checks, { resource }), scopes)
}

/** Rejects with the library's error; `isDead` tells whether the grant is over. */
export async function refresh(desk: Desk, grant: Grant, refreshToken: string): Promise<Grant> {
  const library = await loadLibrary()
  const { resource } = grant
  const tokens = await library.refreshTokenGrant(desk.client, refreshToken, { resource })
  // A server that does not rotate leaves the old one in force (RFC 6749 §6).
  return { refreshToken, ...grantOf(desk, tokens, grant.scopes) }
}

export async function ownGrant(desk: Desk, scopes: readonly string[]): Promise<Grant> {
  const library = await loadLibrary()
  const scope = scopes.length > 0 ? { scope: scopes.join(' ') } : undefined
  const tokens = await library.clientCredentialsGrant(desk.client, { resource: desk.found.resource, ...scope })
  return grantOf(desk, tokens, scopes)
}

/** A grant of a server that the upstream does not name any more. */
export class GrantOver extends Error {
  override readonly name = 'GrantOver'
  readonly error = 'invalid_grant'
}

/** Whether a refusal says that this grant will never work again (RFC 6749 §5.2). */
export function isDead(thrown: unknown): boolean {
  return thrown instanceof Error && 'error' in thrown && thrown.error === 'invalid_grant'
}

/** The fault for what the library threw. It quotes neither the server nor a token. */
export function failed(what: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
  return new Fault(
    'upstream.unavailable',
    { reason: what, credential: 'unavailable', ...(code !== undefined && { code }) },
    { cause },
  )
}

function grantOf({ found, client, clock }: Desk, tokens: TokenEndpointResponse, asked: readonly string[]): Grant {
  if (tokens.token_type.toLowerCase() !== 'bearer') throw new Error('the token is of a type that was not asked for')
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds, scope } = tokens
  return {
    issuer: client.serverMetadata().issuer,
    clientId: client.clientMetadata().client_id,
    ...(found.metadataUrl !== undefined && { metadataUrl: found.metadataUrl }),
    resource: found.resource,
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(seconds !== undefined && { expiresAt: clock.now() + seconds * 1_000 }),
    // A server that says nothing gave what was asked (RFC 6749 §5.1).
    scopes: scope === undefined ? asked : scopesOf(scope),
  }
}
