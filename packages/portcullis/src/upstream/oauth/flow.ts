/** One person on the way to an authorization server and back (RFC 6749 §4.1, RFC 7636, RFC 9207). */
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Wanted } from '../access/not-connected.ts'
import { type ClientParts, clientOf, loadLibrary } from './client-identity.ts'
import type { Found } from './discovery.ts'
import type { Grant } from './settings.ts'
import { type CodeChecks, type Desk, failed, redeem } from './token-requests.ts'

export interface FlowOptions extends ClientParts {
  readonly clock: Clock
  /** Rejects with `upstream.unavailable`. */
  readonly discover: (wanted: Wanted) => Promise<Found>
}

/** A person who was sent away, and what has to fit when they come back. Keep it secret; use it once. */
export interface Departure {
  /** Where to send the person. */
  readonly url: URL
  readonly state: string
  /** Turns the query of the callback into a grant. Rejects with `connect.refused`. */
  readonly arrive: (query: string) => Promise<Grant>
}

/** `granted` are the scopes that are there already: consent to more must not lose them. Rejects with `upstream.unavailable`. */
export async function depart(options: FlowOptions, wanted: Wanted, granted: readonly string[]): Promise<Departure> {
  const { settings, clock } = options
  const found = await options.discover(wanted)
  const client = await clientOf(options, found.server)
  requireCodeFlow(found)
  const library = await loadLibrary()
  const scopes = scopesFor(options, wanted, found, granted)
  const checks: CodeChecks = { verifier: library.randomPKCECodeVerifier(), state: library.randomState(), scopes }
  const url = library.buildAuthorizationUrl(client, {
    redirect_uri: settings.redirectUri,
    code_challenge: await library.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
    state: checks.state,
    resource: found.resource,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    // OpenID Connect Core §11: offline access needs the consent to be shown.
    ...(scopes.includes('offline_access') && { prompt: 'consent' }),
  })
  const desk = { found, client, clock }
  return { url, state: checks.state, arrive: (query) => arrive(desk, settings.redirectUri, query, checks) }
}

/** A repeated parameter could mean one thing to us and another to the server. */
async function arrive(desk: Desk, redirectUri: string, query: string, checks: CodeChecks): Promise<Grant> {
  const callback = new URL(`${redirectUri}?${query}`)
  const names = [...callback.searchParams.keys()]
  if (new Set(names).size !== names.length) throw new Fault('connect.refused', { reason: 'a repeated parameter' })
  try {
    return await redeem(desk, callback, checks)
  } catch (cause) {
    const { issuer } = desk.client.serverMetadata()
    const { detail } = failed('the code was not accepted', cause)
    throw new Fault('connect.refused', { ...detail, issuer }, { cause })
  }
}

/** PKCE with S256, and refuse a server that does not say that it can (MCP "Authorization Code Protection"). */
function requireCodeFlow({ server }: Found): void {
  const refuse = (reason: string): never => {
    throw new Fault('upstream.unavailable', { reason: `authorization server: ${reason}`, issuer: server.issuer })
  }
  if (server.authorization_endpoint === undefined) refuse('no authorization endpoint')
  if (server.code_challenge_methods_supported?.includes('S256') !== true) refuse('no PKCE with S256')
}

/** What the challenge names, else what the resource says is useful, and always what the operator wants (MCP "Scope Selection"). */
function scopesFor(options: FlowOptions, wanted: Wanted, found: Found, granted: readonly string[]): readonly string[] {
  const own = options.settings.scopes
  const said = wanted.scopes.length > 0 ? wanted.scopes : own.length > 0 ? [] : (found.challenged ?? found.scopes ?? [])
  const offline = found.server.scopes_supported?.includes('offline_access') === true ? ['offline_access'] : []
  const all = [...new Set([...own, ...said, ...granted])]
  return all.length > 0 || offline.length > 0 ? [...new Set([...all, ...offline])] : []
}
