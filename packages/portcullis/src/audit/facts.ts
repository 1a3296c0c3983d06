import type { Cancellation } from '../core/cancellation.ts'
import type { Authorized } from '../core/decision.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Authenticated, Credential } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { Call, Parsed, Target } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { digestOf } from '../mcp/canonical.ts'
import { type CallBody, type Detail, GATEWAY_TENANT, type RefusalBody } from './record.ts'

/** Turns what is known of an exchange into the bodies of its records. */

/** An exchange with whatever facts were established before it ended. */
export type Witnessed = Exchange &
  Partial<Routed & Authenticated & Parsed & Resolved & Authorized> & { readonly cancellation?: Cancellation }

/** The chain that an exchange belongs to. */
export const tenantOf = (exchange: Witnessed): string => exchange.principal?.tenant ?? GATEWAY_TENANT

export function callBody(exchange: Witnessed & Parsed): CallBody {
  const { call, principal, decision } = exchange
  const upstream = upstreamOf(exchange)
  return {
    kind: 'call',
    incident: exchange.incident,
    ...(principal && { principal: principal.id, credential: principal.credential }),
    address: exchange.peer.address,
    ...(upstream !== undefined && { upstream }),
    method: clip(call.method),
    target: clipTarget(call.target),
    arguments: argumentsDigest(call),
    era: call.era,
    version: clip(call.version),
    ...(decision && { decision }),
  }
}

export interface Ending {
  readonly code: string
  readonly status: number
  readonly durationMs: number
  readonly detail?: Detail
}

export function refusalBody(exchange: Witnessed, ending: Ending): RefusalBody {
  const { call, principal, decision, head } = exchange
  const upstream = upstreamOf(exchange)
  return {
    kind: 'refusal',
    incident: exchange.incident,
    code: ending.code,
    status: ending.status,
    durationMs: ending.durationMs,
    address: exchange.peer.address,
    http: { method: clip(head.method), path: clip(head.path) },
    ...(principal && { principal: principal.id, credential: credentialName(principal.credential) }),
    ...(upstream !== undefined && { upstream }),
    ...(call && {
      method: clip(call.method),
      target: clipTarget(call.target),
      era: call.era,
      version: clip(call.version),
    }),
    ...(decision && { decision }),
    ...(ending.detail && { detail: ending.detail }),
  }
}

const EMPTY_DIGEST = digestOf({})

/** Digest of what the caller asks for: `arguments` where the method has them, else all parameters but `_meta`. */
export function argumentsDigest(call: Call): string {
  const { message, params } = call
  if (call.kind === 'response')
    return digestOf('result' in message ? message.result : 'error' in message ? message.error : {})
  if (call.method === 'tools/call' || call.method === 'prompts/get') {
    return params.arguments === undefined ? EMPTY_DIGEST : digestOf(params.arguments)
  }
  const { _meta, ...rest } = params
  return Object.keys(rest).length === 0 ? EMPTY_DIGEST : digestOf(rest)
}

function upstreamOf(exchange: Witnessed): string | undefined {
  return exchange.route?.kind === 'upstream' ? exchange.route.upstream : (exchange.upstream ?? exchange.tool?.upstream)
}

const credentialName = ({ kind, id }: Credential) => ({ kind, id })

/** Names come from callers, and a refused one may be as long as a message. The digest covers what is cut off. */
const MAX_NAME_LENGTH = 512

const clip = (text: string): string => (text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text)

const clipTarget = (target: Target): Target =>
  target.kind === 'none' || target.name.length <= MAX_NAME_LENGTH ? target : { ...target, name: clip(target.name) }
