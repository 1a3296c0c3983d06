/** Configuration to the bounds of tenants: what exists for each, and how much of the gateway it may use. */
import type { Config } from '../config/schema.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Wrap } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Bounded } from '../limits/bound.ts'
import { concurrency } from '../limits/concurrency.ts'
import { overseeingTenant } from './administrators.ts'

/** Whether an upstream, or without one anything at all, exists for a tenant. */
export type TenantHas = (tenant: string, upstream?: string) => boolean

/** Without `tenants` every upstream exists for everybody. */
export function tenantHas({ tenants }: Pick<Config, 'tenants'>): TenantHas {
  if (tenants === undefined) return () => true
  const upstreams = new Map(Object.entries(tenants).map(([name, tenant]) => [name, new Set(tenant.upstreams)]))
  return (tenant, upstream) => {
    const own = upstreams.get(tenant)
    return own !== undefined && (upstream === undefined || own.has(upstream))
  }
}

/** Whether an administrator is shown an upstream, and what belongs to a tenant there. */
export type ShownTo = (principal: Principal, upstream: string, tenant?: string) => boolean

/** Administrators see their own tenant. Where no tenants are configured, those who oversee see the whole gateway. */
export function shownTo(config: Pick<Config, 'tenants' | 'administration'>): ShownTo {
  const has = tenantHas(config)
  const overseer = config.tenants === undefined ? overseeingTenant(config) : undefined
  const looksAfterAll = ({ tenant }: Principal) => overseer !== undefined && tenant === overseer
  return (principal, upstream, tenant) =>
    has(principal.tenant, upstream) &&
    principal.upstreams?.includes(upstream) !== false &&
    (tenant === undefined || tenant === principal.tenant || looksAfterAll(principal))
}

/** The chains that are open from the start; the others open with their first record. */
export const tenantNames = ({ tenants }: Pick<Config, 'tenants'>): readonly string[] =>
  tenants === undefined ? ['default'] : Object.keys(tenants)

/**
 * Wrap `limits.tenant-concurrency`: a tenant with a limit of its own waits outside of the common queue, so that it takes
 * nobody's place there. Throws as `limits.concurrency` does.
 */
export function tenantConcurrency<Known extends Exchange & Authenticated & Bounded>(
  { tenants = {}, limits }: Pick<Config, 'tenants' | 'limits'>,
  counts: (exchange: Known) => boolean,
): Wrap<Known> {
  const { perPrincipal, queue, waitMs } = limits.concurrency
  const own = new Map<string, Wrap<Known>>()
  for (const [name, { limits: tenant }] of Object.entries(tenants)) {
    if (tenant.concurrency === undefined) continue
    const rules = { maxTotal: tenant.concurrency, maxPerPrincipal: perPrincipal, reserved: 0 }
    const waiting = { maxQueued: queue, maxQueuedPerPrincipal: Math.max(1, Math.ceil(queue / 4)), maxWaitMs: waitMs }
    own.set(
      name,
      concurrency<Known>({ ...rules, ...waiting, retryAfterSeconds: 1, isAdministrator: () => false, counts }),
    )
  }
  return {
    name: 'limits.tenant-concurrency',
    wrap: (exchange, next) => own.get(exchange.principal.tenant)?.wrap(exchange, next) ?? next(),
  }
}
