/** The stages that ask the policy: is what is named visible at all, and may it be done with these arguments. */
import type { Authorized, Decision } from '../core/decision.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { MessageSigned } from '../core/signed.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import type { Circumstances } from './circumstances.ts'
import type { PolicyEngine } from './engine.ts'
import { isVisible } from './trim.ts'
import { type Aim, aimOf } from './vocabulary.ts'

type Needs = Exchange & Routed & Authenticated & MessageSigned & Parsed & Resolved

/**
 * Check `policy.reveal`: throws `policy.unknown_target` for what does not exist and for what the principal may not see,
 * which must look alike. It stands before the arguments are checked, so that their errors tell nothing.
 */
export function reveal(engine: () => PolicyEngine): Check<Needs> {
  return {
    name: 'policy.reveal',
    check(exchange) {
      if (exchange.item.kind === 'none') return
      const aim = targetedAim(exchange, engine())
      if (!isVisible(engine(), exchange.principal, aim, circumstancesOf(exchange))) throw unknownTarget(exchange)
    },
  }
}

/**
 * Check `policy.authorize`: the one decision about each message. Throws `policy.unknown_target` as `policy.reveal` does,
 * and `policy.denied` for what is visible but not allowed here and now with these arguments.
 */
export function authorize(engine: () => PolicyEngine): Check<Needs, Authorized> {
  return {
    name: 'policy.authorize',
    check: (exchange) => ({
      decision: exchange.item.kind === 'none' ? connection(exchange, engine()) : use(exchange, engine()),
    }),
  }
}

function use(exchange: Needs, engine: PolicyEngine): Decision {
  const { principal, call } = exchange
  const aim = targetedAim(exchange, engine)
  const circumstances = circumstancesOf(exchange)
  const decision = engine.decide({ principal, aim, circumstances, args: argumentsOf(call.params) })
  if (decision.effect === 'allow') return decision
  if (!isVisible(engine, principal, aim, circumstances)) throw unknownTarget(exchange, decision)
  throw new Fault('policy.denied', { ...decision, ...aim })
}

/** A message without a target concerns its upstream, or on the aggregate path any that the principal may connect to. */
function connection(exchange: Needs, engine: PolicyEngine): Decision {
  const { route, principal, call, item } = exchange
  const upstreams = route.kind === 'upstream' ? [route.upstream] : [...engine.upstreamsOf(principal.tenant)]
  const circumstances = circumstancesOf(exchange)
  let denial: Decision | undefined
  for (const upstream of upstreams) {
    const aim = aimOf(call.method, item, upstream)
    if (aim === undefined) throw unknownTarget(exchange)
    const decision = engine.decide({ principal, aim, circumstances })
    if (decision.effect === 'allow') return decision
    denial ??= decision
  }
  throw new Fault('policy.denied', { ...denial, action: 'connect', upstreams })
}

/** What the message aims at. A tool must be the very definition that the policies were checked against. */
function targetedAim(exchange: Needs, engine: PolicyEngine): Aim {
  const { call, item, upstream, tool } = exchange
  const aim = upstream === undefined ? undefined : aimOf(call.method, item, upstream)
  if (aim === undefined || aim.action === 'connect') throw unknownTarget(exchange)
  if (aim.type !== 'Tool') return aim
  const known = engine.tool(aim.upstream, aim.name)
  if (tool === undefined || known?.digest !== tool.digest || tool.upstream !== aim.upstream || tool.name !== aim.name) {
    throw unknownTarget(exchange)
  }
  return aim
}

const unknownTarget = ({ upstream, item }: Needs, decision?: Decision): Fault =>
  new Fault('policy.unknown_target', { ...decision, upstream, item })

const circumstancesOf = ({ receivedAt, peer, call, signed }: Needs): Circumstances => ({
  at: receivedAt,
  address: peer.address,
  encrypted: peer.encrypted,
  era: call.era,
  method: call.method,
  signed: signed !== undefined,
})

/** Omitted arguments mean `{}`. What is no record is nothing that a condition may rest upon. */
function argumentsOf({ arguments: args }: Params): Params {
  return isRecord(args) ? args : {}
}
