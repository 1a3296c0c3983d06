/** Decides what a refused client is told to do next: WWW-Authenticate (RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1). */
import { Fault, FAULTS } from '../core/fault.ts'
import { metadataUrl } from './resource-metadata.ts'
import { requireScope } from './scope.ts'

export interface ChallengeParts {
  /** Whether there is an authorization server to discover; with API keys alone there is none. */
  readonly discovery: 'published' | 'none'
  /** Scopes that a client of the resource should ask for at first; empty to leave the choice to the metadata. */
  readonly scopesOf: (resource: string) => readonly string[]
  /** Algorithms of proofs; empty when no token can be bound to a key. */
  readonly proofAlgorithms: readonly string[]
  /** Whether the resource is open to bound credentials alone: then Bearer is not offered. */
  readonly boundOnly: (resource: string) => boolean
}

export interface Challenges {
  /** 401 without a credential. An error code would be wrong here (RFC 6750 §3.1). */
  missing(resource: string): string
  /** 401 with one: the same for every reason. */
  invalid(resource: string): string
  /** 401 for a proof without a nonce of ours; the nonce goes with it in `DPoP-Nonce` (RFC 9449 §9). */
  useNonce(resource: string): string
  /** 403: `scopes` is everything that the operation needs, because a client asks for exactly this (MCP "Step-Up"). */
  insufficientScope(resource: string, scopes: readonly string[]): string
}

/** A refusal of 401 with `WWW-Authenticate`, as RFC 9110 §15.5.2 demands of each; any other as it is. */
export function challenged(fault: Fault, resource: string, challenges: Challenges): Fault {
  const { code, detail, cause, options } = fault
  if (FAULTS[code].status !== 401) return fault
  const header =
    code === 'identity.missing'
      ? challenges.missing(resource)
      : code === 'identity.use_nonce'
        ? challenges.useNonce(resource)
        : challenges.invalid(resource)
  return new Fault(code, detail, { cause, headers: { 'WWW-Authenticate': header, ...options.headers } })
}

/** Its functions throw a TypeError for a scope that is none. */
export function createChallenges(parts: ChallengeParts): Challenges {
  const { scopesOf, proofAlgorithms, boundOnly, discovery } = parts
  const shared = (resource: string, scopes: readonly string[], error?: string) => [
    // A challenge needs at least one parameter (RFC 6750 §3).
    'realm="mcp"',
    ...(discovery === 'published' ? [`resource_metadata="${metadataUrl(resource)}"`] : []),
    ...(scopes.length > 0 ? [`scope="${scopes.map(requireScope).join(' ')}"`] : []),
    ...(error === undefined ? [] : [`error="${error}"`]),
  ]
  const algorithms = `algs="${proofAlgorithms.join(' ')}"`
  const build = (resource: string, scopes: readonly string[], error?: string) => {
    const bearer = `Bearer ${shared(resource, scopes, error).join(', ')}`
    if (proofAlgorithms.length === 0) return bearer
    if (boundOnly(resource)) return `DPoP ${[...shared(resource, scopes, error), algorithms].join(', ')}`
    // Bearer first: clients that know one scheme only read the beginning.
    return `${bearer}, DPoP ${[algorithms, ...(error === undefined ? [] : [`error="${error}"`])].join(', ')}`
  }
  return {
    missing: (resource) => build(resource, scopesOf(resource)),
    invalid: (resource) => build(resource, scopesOf(resource), 'invalid_token'),
    useNonce: (resource) => `DPoP ${[...shared(resource, [], 'use_dpop_nonce'), algorithms].join(', ')}`,
    insufficientScope: (resource, scopes) => build(resource, scopes, 'insufficient_scope'),
  }
}
