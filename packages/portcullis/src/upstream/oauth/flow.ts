/** One person on the way to an authorization server and back (RFC 6749 §4.1, RFC 7636, RFC 9207). */
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Wanted } from '../access/not-connected.ts'
import { type ClientParts, clientOf, loadLibrary } from './client-identity.ts'
import type { Found } from './discovery.ts'
import type { Grant } from './settings.ts'
import { type CodeChecks, failed, redeem } from './token-requests.ts'

export interface FlowOptions extends ClientParts {
  readonly clock: Clock
  /** Rejects with `upstream.unavailable`. */
  readonly discover: (wanted: Wanted) => Promise<Found>
}

/** What has to fit when a person comes back, as JSON: any node can go on with it. Keep it secret; use it once. */
export interface Flow extends CodeChecks {
  readonly found: Pick<Found, 'resource' | 'server' | 'metadataUrl'>
  /** Who we were when the person was sent away. */
  readonly clientId: string
}

/** A person who is sent away. */
export interface Departure {
  /** Where to send the person. */
  readonly url: URL
  readonly flow: Flow
}

/** `granted` are the scopes that are there already: consent to more must not lose them. Rejects with `upstream.unavailable`. */
export async function depart(options: FlowOptions, wanted: Wanted, granted: readonly string[]): Promise<Departure> {
  const { settings } = options
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
  return { url, flow: { ...checks, found, clientId: client.clientMetadata().client_id } }
}

/** Turns the query of the callback into a grant. Rejects with `connect.refused`. */
export async function arrive(
  options: ClientParts & { readonly clock: Clock },
  flow: Flow,
  query: string,
): Promise<Grant> {
  const { settings, clock } = options
  const { found, clientId } = flow
  const { issuer } = found.server
  const callback = new URL(`${settings.redirectUri}?${query}`)
  const names = [...callback.searchParams.keys()]
  // A repeated parameter could mean one thing to us and another to the server.
  if (new Set(names).size !== names.length) throw new Fault('connect.refused', { reason: 'a repeated parameter' })
  try {
    const client = await clientOf(options, found.server)
    if (client.clientMetadata().client_id !== clientId) throw new Error('we are another client now')
    return await redeem({ found, client, clock }, callback, flow)
  } catch (cause) {
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
