import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Routed } from '../core/route.ts'

/** Path of the aggregate; each upstream has its own below it. */
export const AGGREGATE_PATH = '/mcp'

/** Paths of the administration begin with it. Its tokens must name it as their audience. */
export const ADMINISTRATION_PATH = '/admin'

/** Check `transport.route` of the paths of the administration, which are told apart before. */
export function routeToAdministration(publicUrl: string): Check<Exchange, Routed> {
  const routed: Routed = { route: { kind: 'administration' }, resource: publicUrl + ADMINISTRATION_PATH }
  return { name: 'transport.route', check: () => routed }
}

/**
 * Check `transport.route`: an exact path → the upstream it leads to. Paths are compared as sent, never decoded or
 * normalised, so no spelling reaches an upstream around a rule.
 *
 * @param publicUrl origin under which clients reach the gateway, without a trailing slash
 */
export function routeByPath(upstreams: readonly string[], publicUrl: string): Check<Exchange, Routed> {
  const table = new Map<string, Routed>()
  table.set(AGGREGATE_PATH, { route: { kind: 'aggregate' }, resource: publicUrl + AGGREGATE_PATH })
  for (const upstream of upstreams) {
    const path = `${AGGREGATE_PATH}/${upstream}`
    table.set(path, { route: { kind: 'upstream', upstream }, resource: publicUrl + path })
  }
  return {
    name: 'transport.route',
    check({ head }) {
      const routed = table.get(head.path)
      if (routed === undefined) throw new Fault('transport.not_found', { path: head.path })
      return routed
    },
  }
}
