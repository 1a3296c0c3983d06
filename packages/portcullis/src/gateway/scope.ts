/** Which calls may meet in one process, and to whom what such a process does belongs. */
import { GATEWAY_TENANT, type Doer } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import type { Principal } from '../core/principal.ts'
import { scopeOfPrincipal } from '../upstream/access/holder.ts'

/** The scope of a principal at an upstream: MCP over stdio has no other way to keep principals apart. */
export function scopeOf(config: Config, principal: Principal, upstream: string): string {
  const sharing = config.upstreams[upstream]?.stdio?.process
  if (sharing === 'shared') return 'shared'
  if (sharing === 'per-tenant') return JSON.stringify(['tenant', principal.tenant])
  return scopeOfPrincipal(principal)
}

export interface ScopeOwner extends Pick<Doer, 'scope' | 'principal'> {
  /** Whose chain its records belong to. What tenants share belongs to none of them. */
  readonly tenant: string
}

/** Reads a scope that `scopeOf` made. Every other one is the gateway's own, such as that of a process which waits. */
export function ownerOf(scope: string): ScopeOwner {
  if (scope === 'shared') return { tenant: GATEWAY_TENANT, scope: 'shared' }
  if (!scope.startsWith('[')) return { tenant: GATEWAY_TENANT, scope: 'gateway' }
  const [kind, tenant = GATEWAY_TENANT, principal] = JSON.parse(scope) as readonly string[]
  if (kind === 'principal' && principal !== undefined) return { tenant, scope: 'principal', principal }
  return { tenant, scope: 'tenant' }
}
