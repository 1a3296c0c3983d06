/** Which limits a request has to keep, and what is said to whoever does not. */
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { NAME_SEPARATOR } from '../mcp/naming.ts'
import { networkKey, SITE_FACTOR, siteKey } from './network.ts'
import type { RateRule, RateStore, RateVerdict, Taking } from './rate-store.ts'

/** The limits of callers. Whatever has no rule has no limit. */
export interface CallerRates {
  readonly perPrincipal: RateRule
  readonly perClient?: RateRule
  readonly ofTenant: (tenant: string) => RateRule | undefined
}

/** What tools cost, and the limits of upstreams and tools, all callers together. */
export interface TargetRates {
  readonly ofUpstream: (upstream: string) => RateRule | undefined
  /** By the name on the aggregate path. */
  readonly ofTool: (tool: string) => { readonly cost: number; readonly rule?: RateRule } | undefined
}

/** Check `traffic.rate-by-address`: before sign-in, so that guessing keys is slow too. IPv6 counts by /64, and by /48 for more. */
export function rateByAddress(store: RateStore, rule: RateRule): Check<Exchange> {
  const wider = { ...rule, permits: rule.permits * SITE_FACTOR, burst: rule.burst * SITE_FACTOR }
  return {
    name: 'traffic.rate-by-address',
    check(exchange) {
      const { address } = exchange.peer
      const own = { key: `address:${networkKey(address)}`, cost: 1, rule }
      const site = siteKey(address)
      return take(store, site === undefined ? [own] : [own, { key: `address:${site}`, cost: 1, rule: wider }], exchange)
    },
  }
}

/** Check `traffic.rate-by-caller`: principal, client and tenant in one step, whatever address they come from. */
export function rateByCaller(store: RateStore, rates: CallerRates): Check<Exchange & Authenticated> {
  return {
    name: 'traffic.rate-by-caller',
    check: (exchange) => take(store, ofCaller(exchange.principal, rates, 1), exchange),
  }
}

/**
 * Check `traffic.rate-by-target`: the upstream and the tool, and what a costly tool takes of its caller's permits beyond
 * the one that every request takes, in one step. Nothing is asked where nothing is limited.
 */
export function rateByTarget(
  store: RateStore,
  rates: TargetRates,
  callers: CallerRates,
): Check<Exchange & Authenticated & Parsed & Resolved> {
  return {
    name: 'traffic.rate-by-target',
    check(exchange) {
      const { upstream, item, call, principal } = exchange
      if (upstream === undefined || call.kind !== 'request') return
      const takings: Taking[] = []
      const name =
        item.kind === 'tool' && call.method === 'tools/call' ? upstream + NAME_SEPARATOR + item.name : undefined
      const tool = name === undefined ? undefined : rates.ofTool(name)
      const { cost = 1, rule } = tool ?? {}
      const whole = rates.ofUpstream(upstream)
      if (whole !== undefined) takings.push({ key: `upstream:${upstream}`, cost, rule: whole })
      if (rule !== undefined) takings.push({ key: `tool:${name}`, cost, rule })
      if (cost > 1) takings.push(...ofCaller(principal, callers, cost - 1))
      if (takings.length > 0) return take(store, takings, exchange)
    },
  }
}

/** A principal is one object for as long as its credential is remembered. */
const keys = new WeakMap<Principal, string>()

/** Tenants never share a key. */
function keyOf(principal: Principal): string {
  const known = keys.get(principal)
  if (known !== undefined) return known
  const key = `principal:${JSON.stringify([principal.tenant, principal.id])}`
  keys.set(principal, key)
  return key
}

function ofCaller(principal: Principal, { perPrincipal, perClient, ofTenant }: CallerRates, cost: number): Taking[] {
  const takings: Taking[] = [{ key: keyOf(principal), cost, rule: perPrincipal }]
  const { client } = principal.credential
  if (perClient !== undefined && client !== undefined)
    takings.push({ key: `client:${JSON.stringify([principal.tenant, client])}`, cost, rule: perClient })
  const rule = ofTenant(principal.tenant)
  if (rule !== undefined) takings.push({ key: `tenant:${principal.tenant}`, cost, rule })
  return takings
}

/** Throws `traffic.rate_limited`, or `traffic.shed` for a probe, with Retry-After (RFC 9110 section 10.2.3). */
function take(store: RateStore, takings: readonly Taking[], exchange: Exchange): void | Promise<void> {
  const verdict = store.take(takings)
  if (verdict instanceof Promise) return verdict.then((settled) => refuseUnless(settled, exchange))
  refuseUnless(verdict, exchange)
}

function refuseUnless(verdict: RateVerdict, { head }: Exchange): void {
  if (verdict.allowed) return
  // A client takes 429 on its probe for "this server is of the old era" and stays there; 503 it tries again
  // (MCP 2026-07-28, "Versioning").
  const code = head.headers['mcp-method'] === 'server/discover' ? 'traffic.shed' : 'traffic.rate_limited'
  throw new Fault(code, { key: verdict.key }, { headers: { 'retry-after': String(verdict.retryAfterSeconds) } })
}
