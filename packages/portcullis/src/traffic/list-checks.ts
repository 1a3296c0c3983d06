/** The stages that ask the block and allow lists: where somebody is, who it is, what is asked for. */
import type { Exchange } from '../core/exchange.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { Resolved } from '../mcp/definition.ts'
import { NAME_SEPARATOR } from '../mcp/naming.ts'
import type { AccessLists, Refusal } from './access-lists.ts'

type Targeted = Exchange & Routed & Authenticated & Partial<Resolved>

/** Check `traffic.address`: before anything of the request is looked at. Throws `traffic.address_blocked`. */
export function addressListed(lists: AccessLists): Check<Exchange> {
  return {
    name: 'traffic.address',
    check: ({ peer }) => refuse('traffic.address_blocked', lists.refusalOfAddress(peer.address)),
  }
}

/** Check `traffic.caller`: as soon as it is known who calls. Throws `traffic.caller_blocked` and `traffic.address_blocked`. */
export function callerListed(lists: AccessLists): Check<Exchange & Authenticated> {
  return {
    name: 'traffic.caller',
    check({ principal, peer, receivedAt }) {
      refuse('traffic.caller_blocked', lists.refusalOfCaller(principal))
      // To prove who calls may have taken a while, in which nothing here was under watch.
      if (lists.changedAt >= receivedAt) refuse('traffic.address_blocked', lists.refusalOfAddress(peer.address))
    },
  }
}

/**
 * Check `traffic.target`: behind the check that hides what a caller may not see, so that nobody learns from a block what
 * there is. Throws `traffic.target_blocked`.
 */
export function targetListed(lists: AccessLists): Check<Targeted> {
  return {
    name: 'traffic.target',
    check: (exchange) => refuse('traffic.target_blocked', refusalOfTarget(lists, exchange)),
  }
}

/** Whether work under way would be refused now; for `identity.standing`, which ends it then. */
export function refusesNow(lists: AccessLists): (exchange: Targeted) => boolean {
  return (exchange) =>
    lists.refusalOfAddress(exchange.peer.address) !== undefined ||
    lists.refusalOfCaller(exchange.principal) !== undefined ||
    refusalOfTarget(lists, exchange) !== undefined
}

function refusalOfTarget(lists: AccessLists, { route, principal, upstream, item }: Targeted): Refusal | undefined {
  const name = upstream ?? (route.kind === 'upstream' ? route.upstream : undefined)
  if (name === undefined) return undefined
  const tool = item?.kind === 'tool' ? `${name}${NAME_SEPARATOR}${item.name}` : undefined
  return lists.refusalOfTarget(principal.tenant, name, tool)
}

function refuse(code: FaultCode, refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw new Fault(code, { ...refusal })
}
