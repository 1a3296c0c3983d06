/** Decides whether a token's scopes are enough for a message; who lacks one is told all that it needs (MCP "Step-Up"). */
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import { ADMINISTRATION_SCOPES, type Routed } from '../core/route.ts'
import type { Resolved } from '../mcp/definition.ts'
import type { Challenges } from './challenge.ts'
import type { ScopeDemands } from './scope-demands.ts'

type Needs = Exchange & Routed & Authenticated & Partial<Resolved>

/**
 * Check `identity.scopes`: throws `identity.insufficient_scope` with a challenge that names the whole set. Credentials
 * without scopes (API keys, certificates) are limited by their upstreams, roles and policies alone.
 */
export function requireScopes(demands: ScopeDemands, challenges: Pick<Challenges, 'insufficientScope'>): Check<Needs> {
  return {
    name: 'identity.scopes',
    check(exchange) {
      const { principal, resource } = exchange
      const { scopes } = principal
      const needed = scopes === undefined ? undefined : neededBy(exchange, demands)
      if (scopes === undefined || needed === undefined || demands.holds(scopes, needed)) return
      const headers = { 'WWW-Authenticate': challenges.insufficientScope(resource, needed) }
      throw new Fault('identity.insufficient_scope', { needed, granted: scopes, resource }, { headers })
    },
  }
}

const LOOK = ADMINISTRATION_SCOPES.slice(0, 1)
const CHANGE = ADMINISTRATION_SCOPES.slice(1)
/** Methods that change nothing (RFC 9110 §9.2.1); what has another one needs the scope to change. */
const LOOKING = new Set(['GET', 'HEAD'])

function neededBy({ route, upstream, item, head }: Needs, demands: ScopeDemands): readonly string[] | undefined {
  if (route.kind === 'administration') return LOOKING.has(head.method) ? LOOK : CHANGE
  const name = upstream ?? (route.kind === 'upstream' ? route.upstream : undefined)
  if (name === undefined) return undefined
  return item?.kind === 'tool' ? demands.ofTool(name, item.name) : demands.ofUpstream(name)
}
