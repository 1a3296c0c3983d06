/** Decides what a refused client is told to do next: the value of WWW-Authenticate (RFC 6750 §3, RFC 9728 §5.1). */
import { metadataUrl } from './resource-metadata.ts'
import { requireScope } from './scope.ts'

export interface ChallengeParts {
  /** Whether there is an authorization server to discover; with API keys alone there is none. */
  readonly discovery: 'published' | 'none'
  /** Scopes that a client should ask for at first; empty to leave the choice to the metadata. */
  readonly scopes: readonly string[]
}

export interface Challenges {
  /** 401 without a credential. An error code would be wrong here (RFC 6750 §3.1). */
  missing(resource: string): string
  /** 401 with one: the same for every reason. */
  invalid(resource: string): string
  /** 403: `scopes` is everything that the operation needs, because a client asks for exactly this (MCP "Step-Up"). */
  insufficientScope(resource: string, scopes: readonly string[]): string
}

/** Throws a TypeError for a scope that is none. */
export function createChallenges(parts: ChallengeParts): Challenges {
  const build = (resource: string, scopes: readonly string[], error?: string) => {
    const discovery = parts.discovery === 'published' ? [`resource_metadata="${metadataUrl(resource)}"`] : []
    // A challenge needs at least one parameter (RFC 6750 §3).
    const parameters = ['realm="mcp"', ...discovery]
    if (scopes.length > 0) parameters.push(`scope="${scopes.map(requireScope).join(' ')}"`)
    if (error !== undefined) parameters.push(`error="${error}"`)
    return `Bearer ${parameters.join(', ')}`
  }
  parts.scopes.forEach(requireScope)
  return {
    missing: (resource) => build(resource, parts.scopes),
    invalid: (resource) => build(resource, parts.scopes, 'invalid_token'),
    insufficientScope: (resource, scopes) => build(resource, scopes, 'insufficient_scope'),
  }
}
