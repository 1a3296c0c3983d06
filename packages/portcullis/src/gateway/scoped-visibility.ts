/**
 * Leaves out of the lists of the aggregate path what is behind an upstream that the token's scopes do not reach. On the
 * upstream's own path the same token gets no list at all. What only one tool demands hides nothing: a client has to see a
 * tool to ask for the scope that it needs (MCP "Step-Up Authorization Flow").
 */
import type { Principal } from '../core/principal.ts'
import type { ScopeDemands } from '../identity/scope-demands.ts'
import type { Visibility } from '../policy/trim.ts'

export function scopedVisibility(visibility: Visibility, demands: ScopeDemands): Visibility {
  const reaches = ({ scopes }: Principal, upstream: string): boolean =>
    scopes === undefined || demands.holds(scopes, demands.ofUpstream(upstream))
  return {
    upstream: (principal, upstream, circumstances) =>
      reaches(principal, upstream) && visibility.upstream(principal, upstream, circumstances),
    tool: (principal, tool, circumstances) =>
      reaches(principal, tool.upstream) && visibility.tool(principal, tool, circumstances),
    prompt: (principal, upstream, name, circumstances) =>
      reaches(principal, upstream) && visibility.prompt(principal, upstream, name, circumstances),
    resource: (principal, upstream, uri, circumstances) =>
      reaches(principal, upstream) && visibility.resource(principal, upstream, uri, circumstances),
    get revision() {
      return visibility.revision
    },
    get steady() {
      return visibility.steady
    },
  }
}
