import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import { networkKey } from './network.ts'
import type { RateRule, RateStore, RateVerdict } from './rate-store.ts'

/** Check `traffic.rate-by-address`: before sign-in, so that guessing keys is slow too. IPv6 counts by /64. */
export function rateByAddress(store: RateStore, rule: RateRule): Check<Exchange> {
  return {
    name: 'traffic.rate-by-address',
    check: (exchange) => take(store, `address:${networkKey(exchange.peer.address)}`, rule, exchange),
  }
}

/** Check `traffic.rate-by-principal`: whatever address a principal comes from. Tenants never share a key. */
export function rateByPrincipal(store: RateStore, rule: RateRule): Check<Exchange & Authenticated> {
  return {
    name: 'traffic.rate-by-principal',
    check: (exchange) => {
      return take(store, keyOf(exchange.principal), rule, exchange)
    },
  }
}

/** Check `traffic.rate-by-tenant`: all principals of a tenant together, where `ruleOf` has a rule for it. */
export function rateByTenant(
  store: RateStore,
  ruleOf: (tenant: string) => RateRule | undefined,
): Check<Exchange & Authenticated> {
  return {
    name: 'traffic.rate-by-tenant',
    check: (exchange) => {
      const { tenant } = exchange.principal
      const rule = ruleOf(tenant)
      if (rule !== undefined) return take(store, `tenant:${tenant}`, rule, exchange)
    },
  }
}

/** A principal is one object for as long as its credential is remembered. */
const keys = new WeakMap<Principal, string>()

function keyOf(principal: Principal): string {
  const known = keys.get(principal)
  if (known !== undefined) return known
  const key = `principal:${JSON.stringify([principal.tenant, principal.id])}`
  keys.set(principal, key)
  return key
}

/** Throws `traffic.rate_limited`, or `traffic.shed` for a probe, with Retry-After (RFC 9110 section 10.2.3). */
function take(store: RateStore, key: string, rule: RateRule, exchange: Exchange): void | Promise<void> {
  const verdict = store.take(key, 1, rule)
  if (verdict instanceof Promise) return verdict.then((settled) => refuseUnless(settled, key, exchange))
  refuseUnless(verdict, key, exchange)
}

function refuseUnless(verdict: RateVerdict, key: string, { head }: Exchange): void {
  if (verdict.allowed) return
  // A client takes 429 on its probe for "this server is of the old era" and stays there; 503 it tries again
  // (MCP 2026-07-28, "Versioning").
  const code = head.headers['mcp-method'] === 'server/discover' ? 'traffic.shed' : 'traffic.rate_limited'
  throw new Fault(code, { key }, { headers: { 'retry-after': String(verdict.retryAfterSeconds) } })
}
