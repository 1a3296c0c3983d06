/** Decides what we publish about ourselves as an OAuth protected resource (RFC 9728). */
import { requireScope } from './scope.ts'

/** One MCP endpoint, or the administration: its canonical identifier (RFC 8707 §2: absolute, without a fragment) and what people call it. */
export interface ProtectedResource {
  readonly resource: string
  readonly name?: string
  /** The aggregate endpoint is also described at the root form, where clients look last. */
  readonly kind: 'upstream' | 'aggregate' | 'administration'
  /** The least that a client needs to begin (MCP "Scope Minimization"); more is asked for by a challenge. */
  readonly scopes: readonly string[]
  /** Whether tokens that are not bound to a key are refused. */
  readonly boundOnly: boolean
}

export interface ResourceMetadataParts {
  readonly resources: readonly ProtectedResource[]
  /** Issuer identifiers of the authorization servers. Without one there is nothing to discover, and no document. */
  readonly issuers: readonly string[]
  /** Algorithms of DPoP proofs; empty when tokens are never bound by one. */
  readonly proofAlgorithms: readonly string[]
  /** Whether the listener takes client certificates, so that tokens can be bound to them (RFC 8705). */
  readonly clientCertificates: boolean
}

/** RFC 9728 §2. */
export interface ResourceDocument {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly scopes_supported?: readonly string[]
  readonly resource_name?: string
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly dpop_bound_access_tokens_required?: true
  readonly tls_client_certificate_bound_access_tokens?: true
}

export const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** The documents by request path, complete: what is not in the map is not found. Throws a TypeError for a bad value. */
export function resourceDocuments(parts: ResourceMetadataParts): ReadonlyMap<string, ResourceDocument> {
  const documents = new Map<string, ResourceDocument>()
  for (const { scopes } of parts.resources) scopes.forEach(requireScope)
  if (parts.issuers.length === 0) return documents
  for (const resource of parts.resources) {
    const document = describe(resource, parts)
    documents.set(new URL(metadataUrl(resource.resource)).pathname, document)
    if (resource.kind === 'aggregate') documents.set(WELL_KNOWN, document)
  }
  return documents
}

/** Where the document of a resource stands: the well-known path goes between host and path (RFC 9728 §3.1). */
export function metadataUrl(resource: string): string {
  const url = new URL(resource)
  if (url.hash !== '' || url.search !== '') throw new TypeError('a resource identifier has no query and no fragment')
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}${WELL_KNOWN}${path}`
}

function describe(resource: ProtectedResource, parts: ResourceMetadataParts): ResourceDocument {
  const { scopes, name, boundOnly } = resource
  const { proofAlgorithms, clientCertificates } = parts
  return {
    resource: resource.resource,
    authorization_servers: parts.issuers,
    bearer_methods_supported: ['header'],
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    ...(name !== undefined && { resource_name: name }),
    ...(proofAlgorithms.length > 0 && { dpop_signing_alg_values_supported: proofAlgorithms }),
    // A token that is bound to a certificate instead would do as well, so DPoP is not what is required then.
    ...(boundOnly && !clientCertificates && { dpop_bound_access_tokens_required: true as const }),
    ...(clientCertificates && { tls_client_certificate_bound_access_tokens: true as const }),
  }
}
