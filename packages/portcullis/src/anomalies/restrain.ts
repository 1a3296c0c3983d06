/** Holds back who is blocked or throttled, springs the tools that nobody should call, and has a person asked. */
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { Clock } from '../core/clock.ts'
import type { Parsed } from '../mcp/call.ts'
import { ASKING_METHODS } from '../mcp/methods.ts'
import type { IsCanary } from './canary-tools.ts'
import type { Restriction } from './restrictions.ts'
import type { Watch } from './watch.ts'
import { askerOf } from './watch-stage.ts'

/** Port: how fast something may happen. */
export interface Throttle {
  /** Takes one permit; rejects when it cannot be asked. */
  take(key: string): Taken | Promise<Taken>
}

export type Taken = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterSeconds: number }

export interface RestrainParts {
  readonly watch: Watch
  readonly clock: Clock
  readonly isCanary: IsCanary
  readonly isExempt: (principal: Principal) => boolean
  readonly isAdministrator: (principal: Principal) => boolean
  readonly throttle: Throttle
}

type Least = Exchange & Routed & Authenticated & Parsed

/** What only finds out who is there, or ends something. A client that cannot ask takes a gateway for another one. */
const FREE: ReadonlySet<string> = new Set([
  'server/discover',
  'initialize',
  'ping',
  'notifications/initialized',
  'notifications/cancelled',
])

/**
 * Check `anomalies.restrain`, as soon as the message is known. Throws `anomalies.blocked`, `anomalies.throttled`, and for a
 * canary `policy.unknown_target`, as for a tool that is not there: who sprang it must not learn that. It is never passed on.
 */
export function restrainStage<Needs extends Least>(parts: RestrainParts | undefined): Check<Needs> {
  const name = 'anomalies.restrain'
  if (parts === undefined) return { name, check: () => undefined }
  const { watch } = parts
  return {
    name,
    check(exchange) {
      const { call, principal } = exchange
      const held = watch.restrictionOf(principal.tenant, principal.id)
      if (held?.answer === 'block' && !FREE.has(call.method) && !parts.isExempt(principal)) throw blocked(parts, held)
      if (call.method === 'tools/call') refuseCanary(parts, exchange)
      if (held?.answer === 'throttle' && !FREE.has(call.method) && !parts.isExempt(principal)) return take(parts, held)
    },
  }
}

function refuseCanary(parts: RestrainParts, exchange: Least): void {
  const { call, route } = exchange
  if (call.target.kind !== 'tool') return
  const { name } = call.target
  if (!parts.isCanary(name, route.kind === 'upstream' ? route.upstream : undefined)) return
  parts.watch.sprung(askerOf(parts, exchange))
  throw new Fault('policy.unknown_target', { canary: true })
}

function blocked({ clock }: RestrainParts, { until, reason, score }: Restriction): Fault {
  const seconds = Math.max(1, Math.ceil((until - clock.now()) / 1_000))
  return new Fault('anomalies.blocked', { reason, score, until }, { headers: { 'retry-after': String(seconds) } })
}

function take({ throttle }: RestrainParts, held: Restriction): void | Promise<void> {
  const taken = throttle.take(JSON.stringify([held.tenant, held.principal]))
  return taken instanceof Promise ? taken.then((settled) => refuseUnless(settled, held)) : refuseUnless(taken, held)
}

function refuseUnless(taken: Taken, { reason, score }: Restriction): void {
  if (taken.allowed) return
  const headers = { 'retry-after': String(taken.retryAfterSeconds) }
  throw new Fault('anomalies.throttled', { reason, score }, { headers })
}

export interface ApproveParts<Needs> {
  readonly watch: Watch
  readonly isExempt: (principal: Principal) => boolean
  /** Resolves when a person has approved; throws the refusal, or the question, otherwise. */
  readonly ask: (exchange: Needs, question: string) => Promise<Approved>
}

interface Approved {
  readonly approved?: string
}

/**
 * Check `anomalies.approve`, after all that may refuse the call by itself: nobody is asked about what is refused anyway, nor
 * twice about the same call.
 */
export function approveStage<Needs extends Authenticated & Parsed & Approved>(
  parts: ApproveParts<Needs> | undefined,
): Check<Needs, Approved> {
  const name = 'anomalies.approve'
  if (parts === undefined) return { name, check: () => NOTHING }
  return {
    name,
    check(exchange) {
      const { call, principal } = exchange
      if (exchange.approved !== undefined || !ASKING_METHODS.has(call.method)) return NOTHING
      const held = parts.watch.restrictionOf(principal.tenant, principal.id)
      if (held?.answer !== 'ask' || parts.isExempt(principal)) return NOTHING
      return parts.ask(exchange, `Its caller has behaved unusually (score ${held.score} of 100).`)
    },
  }
}

const NOTHING: Approved = {}
