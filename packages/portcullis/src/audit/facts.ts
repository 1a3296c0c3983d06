import { bulkOf, isBulky } from '../core/bulk.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { Authorized } from '../core/decision.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Authenticated, Credential } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { Call, Parsed, Target } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { digestInTurns, digestOf } from '../mcp/canonical.ts'
import { isRecord } from '../mcp/message.ts'
import {
  type ApprovalBody,
  type CallBody,
  type Detail,
  type Findings,
  GATEWAY_TENANT,
  type PayloadMark,
  type RefusalBody,
} from './record.ts'
import { scrubText } from './scrub.ts'

/** Turns what is known of an exchange into the bodies of its records. */

/** An exchange with whatever facts were established before it ended. */
export type Witnessed = Exchange &
  Partial<Routed & Authenticated & Parsed & Resolved & Authorized> & {
    readonly cancellation?: Cancellation
    readonly approved?: string
    readonly inspected?: { readonly findings: Findings; readonly resultFindings?: Findings }
  }

/** The chain that an exchange belongs to. */
export const tenantOf = (exchange: Witnessed): string => exchange.principal?.tenant ?? GATEWAY_TENANT

/** `digest` is that of the arguments, where it had to be made in turns. */
export function callBody(exchange: Witnessed & Parsed, digest?: string, payload?: PayloadMark): CallBody {
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
    arguments: digest ?? argumentsDigest(call),
    era: call.era,
    version: clip(call.version),
    ...(decision && { decision }),
    ...findingsMember(exchange.inspected?.findings),
    ...(exchange.approved !== undefined && { approval: exchange.approved }),
    ...(payload && { payload }),
  }
}

/** The record of a question to a person, or of the answer. */
export function approvalBody(
  exchange: Witnessed & Parsed,
  approval: string,
  answer?: NonNullable<ApprovalBody['answer']>,
): ApprovalBody {
  const { call, principal } = exchange
  const upstream = upstreamOf(exchange)
  return {
    kind: 'approval',
    event: answer === undefined ? 'proposed' : 'decided',
    incident: exchange.incident,
    approval,
    ...(principal && { principal: principal.id }),
    ...(upstream !== undefined && { upstream }),
    target: clipTarget(call.target),
    arguments: argumentsDigest(call),
    ...(answer !== undefined && { answer }),
  }
}

const NOTHING = {}

/** The member `findings`; none when nothing was found. Evidence is text of strangers: secrets are taken out of it too. */
export function findingsMember(findings: Findings | undefined): { readonly findings?: Findings } {
  if (findings === undefined || findings.length === 0) return NOTHING
  return { findings: findings.map((finding) => ({ ...finding, evidence: scrubText(finding.evidence) })) }
}

export interface Ending {
  readonly code: string
  readonly status: number
  readonly durationMs: number
  readonly detail?: Detail
  readonly findings?: Findings
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
    ...findingsMember(ending.findings ?? exchange.inspected?.findings),
  }
}

const EMPTY_DIGEST = digestOf({})

/** Digest of what the caller asks for: `arguments` where the method has them, else all parameters but `_meta`. */
export function argumentsDigest(call: Call): string {
  const asked = askedBy(call)
  const isSmall = isRecord(asked) && bulkOf(asked) === undefined
  return isSmall && Object.keys(asked).length === 0 ? EMPTY_DIGEST : digestOf(asked)
}

/** The same digest where it takes more than one turn; undefined where it does not. */
export function digestOfBulk(call: Call): Promise<string> | undefined {
  const asked = askedBy(call)
  return typeof asked === 'object' && asked !== null && isBulky(asked) ? digestInTurns(asked) : undefined
}

function askedBy(call: Call): unknown {
  const { message, params } = call
  if (call.kind === 'response') return 'result' in message ? message.result : 'error' in message ? message.error : {}
  if (call.method === 'tools/call' || call.method === 'prompts/get') return params.arguments ?? {}
  const { _meta, ...rest } = params
  return rest
}

function upstreamOf(exchange: Witnessed): string | undefined {
  return exchange.route?.kind === 'upstream' ? exchange.route.upstream : (exchange.upstream ?? exchange.tool?.upstream)
}

const credentialName = ({ kind, id }: Credential) => ({ kind, id })

/** Names come from callers, and a refused one may be as long as a message. The digest covers what is cut off. */
const MAX_NAME_LENGTH = 512

/** Names in which nothing was found: methods, versions and tools come again with each call. Never what was scrubbed. */
const clean = new Set<string>()
const MAX_CLEAN = 1_024
const MAX_CLEAN_LENGTH = 64

/** A name may be anything that a caller sends, secrets and personal data included. */
const clip = (text: string): string => {
  if (clean.has(text)) return text
  const safe = scrubText(text)
  if (safe === text && text.length <= MAX_CLEAN_LENGTH) {
    if (clean.size >= MAX_CLEAN) clean.clear()
    clean.add(text)
  }
  return safe.length > MAX_NAME_LENGTH ? `${safe.slice(0, MAX_NAME_LENGTH)}…` : safe
}

function clipTarget(target: Target): Target {
  if (target.kind === 'none') return target
  const name = clip(target.name)
  return name === target.name ? target : { ...target, name }
}
