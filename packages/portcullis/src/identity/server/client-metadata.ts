/** Decides what a client may say of itself (RFC 7591), whether an operator, a registration or a document says it. */
import { isNative, redirectProblem } from './redirects.ts'

export type ClientMetadata = Readonly<Record<string, unknown>>

/** Grants of clients that nobody here has approved: they always need a person. */
const OPEN_GRANTS = new Set(['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'])

/** Refuses metadata. The sentence is for whoever wrote them. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError'
}

/**
 * The metadata with what they leave open filled in: a client with a redirect to the person's own device is a native one.
 * Throws a MetadataError. MCP demands a name and redirects of a document; so do we of every client that a person sees.
 */
export function soundMetadata(metadata: ClientMetadata): ClientMetadata {
  const { client_name: name, redirect_uris: redirects, application_type: type } = metadata
  if (typeof name !== 'string' || name.trim() === '' || name.length > 100)
    throw new MetadataError('client_name is missing')
  if (!Array.isArray(redirects) || redirects.length === 0) throw new MetadataError('redirect_uris is missing')
  if (redirects.length > 20) throw new MetadataError('redirect_uris has more than 20 members')
  for (const uri of redirects as readonly unknown[]) {
    const problem = typeof uri === 'string' ? redirectProblem(uri) : 'not a text'
    if (problem !== undefined) throw new MetadataError(`redirect_uris: ${problem}`)
  }
  const native = (redirects as readonly string[]).some(isNative)
  return { ...metadata, ...(type === undefined && { application_type: native ? 'native' : 'web' }) }
}

/** As `soundMetadata`, for clients that introduce themselves: they act for people, never in their own name. */
export function strangerMetadata(metadata: ClientMetadata, furtherGrants: readonly string[] = []): ClientMetadata {
  const { grant_types: grants, scope: _scope, ...rest } = metadata
  const asked = Array.isArray(grants) ? (grants as readonly unknown[]) : ['authorization_code', 'refresh_token']
  const isOpen = (grant: unknown) =>
    typeof grant === 'string' && (OPEN_GRANTS.has(grant) || furtherGrants.includes(grant))
  const grantTypes = asked.filter(isOpen)
  return soundMetadata({ ...rest, grant_types: grantTypes, response_types: ['code'] })
}
