import type { Cancellation } from '../../core/cancellation.ts'
import type { Authorized } from '../../core/decision.ts'
import type { Answer, Exchange } from '../../core/exchange.ts'
import type { Authenticated, Principal } from '../../core/principal.ts'
import type { Routed } from '../../core/route.ts'
import type { MessageSigned } from '../../core/signed.ts'
import type { Parsed } from '../../mcp/call.ts'
import type { Resolved, ToolDefinition } from '../../mcp/definition.ts'
import type { Forms } from '../../mcp/forms.ts'
import type { Era, Id, Params, Response } from '../../mcp/message.ts'
import { type Naming, ownNames, prefixedNames } from '../../mcp/naming.ts'
import type { Approved } from './approval.ts'
import type { Sessioned } from './attach-session.ts'
import type { Parking } from './parking.ts'
import type { StateSeal } from './seal-state.ts'
import type { Session } from './session.ts'
import type { SessionTable } from './session-table.ts'
import type { TaskTable } from './task-table.ts'
import type { Masked } from './upstream-params.ts'
import type { Upstream } from '../upstream.ts'

/** An exchange that every check has let through; only such a one reaches an upstream. */
export type Admitted = Exchange &
  Routed &
  Authenticated &
  Parsed &
  Sessioned &
  Resolved &
  Authorized &
  Approved &
  Masked & { readonly cancellation: Cancellation }

/** When, from where and how something is asked. */
export interface Circumstances {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly address: string
  readonly encrypted: boolean
  readonly signed?: boolean
  readonly era: Era
  readonly method: string
}

/** What the policy lets a principal see here and now; the decision that dispatch makes, with the arguments unknown. */
export interface Visibility {
  upstream(principal: Principal, upstream: string, circumstances: Circumstances): boolean
  tool(principal: Principal, tool: ToolDefinition, circumstances: Circumstances): boolean
  prompt(principal: Principal, upstream: string, name: string, circumstances: Circumstances): boolean
  resource(principal: Principal, upstream: string, uri: string, circumstances: Circumstances): boolean
  /** Changes whenever an answer of the others may change, */
  readonly revision: string
  /** but for circumstances: false when an answer may change with them, and is good for its moment alone. */
  readonly steady: boolean
}

/** Hears for legacy sessions what a modern upstream tells only to whoever subscribed. */
export interface SessionListening {
  of(parts: RelayParts, session: Session, upstream: Upstream): SubscribedSession
}

export interface SubscribedSession {
  /** Starts listening unless it is under way. */
  start(): void
  /** Throws `message.invalid_params` when there are too many. */
  subscribe(uri: string): void
  unsubscribe(uri: string): void
}

/** Masks what goes to an upstream, for one caller; rejects when keys cannot be had, or a mask leaves the form that was asked. */
export interface Protect {
  /** Whether anything is masked for this caller. */
  masks(by: SentBy): boolean
  params(method: string, params: Params, by: SentBy, forms?: Forms): Promise<Params>
  answer(response: Response, by: SentBy, form?: Params): Promise<Response>
}

export interface SentBy {
  readonly principal: Principal
  readonly upstream: string
  /** Empty where no tool is called. */
  readonly tool: string
}

/** The answer to a question of an upstream, as that upstream gets it. What cannot be masked is not told. */
export async function answered(
  { protect, warn }: Pick<RelayParts, 'protect' | 'warn'>,
  by: SentBy,
  answer: Promise<Response>,
  form?: Params,
): Promise<Response> {
  const response = await answer
  if (protect === undefined) return response
  return protect.answer(response, by, form).catch((error: unknown) => {
    warn('an answer could not be masked', { upstream: by.upstream, error })
    return { jsonrpc: '2.0', id: response.id as Id, error: { code: -32603, message: 'Refused by the gateway.' } }
  })
}

export interface RelayParts {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly sessions: SessionTable
  readonly listeners: SessionListening
  readonly seal: StateSeal
  readonly tasks: TaskTable
  readonly parking: Parking
  readonly visibility: Visibility
  /** A tool as it is shown: with the schema that its arguments are really checked against. Undefined when unavailable. */
  readonly advertise: (tool: ToolDefinition) => Params | undefined
  /** The `Mcp-Param-*` headers that a call must carry over modern HTTP; names in lower case. */
  readonly paramHeaders: (tool: ToolDefinition, args: unknown) => Readonly<Record<string, string>>
  /** Which principals share a process or a link to an upstream. */
  readonly scopeOf: (principal: Principal, upstream: string) => string
  /** Surrounds what each admitted message causes. */
  readonly within?: <T>(exchange: Admitted, work: () => T) => T
  /** Says to a caller what an upstream's refusal of its credential means for it; gives back what it does not know. */
  readonly explain?: (thrown: unknown, exchange: Admitted) => Promise<unknown>
  /** What a sealed state of an approved call has to carry, so that its next round is not asked about again. */
  readonly carry?: (exchange: Authenticated & Approved) => { readonly approved?: string }
  /** What an upstream gets of what a client says to it beside a message's own stages. Absent where nothing is masked. */
  readonly protect?: Protect
  /** Takes from an exchange that lasts what nobody asks for any more. */
  readonly rest?: (exchange: Admitted) => void
  /** Fires when the gateway begins to end: streams end then, while calls may still finish. */
  readonly ending: Cancellation
  /** Reports an upstream that could not be asked for its part of an aggregate answer. */
  readonly warn: (message: string, facts: Readonly<Record<string, unknown>>) => void
}

export const namingOf = (exchange: Routed, upstream: string): Naming =>
  exchange.route.kind === 'aggregate' ? prefixedNames(upstream) : ownNames

/** The upstreams that a message without a target concerns: one, or on the aggregate path all that may be seen. */
export function upstreamsOf(
  parts: RelayParts,
  exchange: Exchange & Routed & Authenticated & Partial<Parsed>,
): readonly Upstream[] {
  const { route, principal } = exchange
  if (route.kind === 'upstream') return [parts.upstreams.get(route.upstream) as Upstream]
  const circumstances = circumstancesOf(exchange)
  return [...parts.upstreams.values()].filter(({ name }) => parts.visibility.upstream(principal, name, circumstances))
}

const known = new WeakMap<Exchange, Circumstances>()

/** Made once for each exchange. Only a legacy client's stream comes without a message; its HTTP method stands for one. */
export function circumstancesOf(exchange: Exchange & Partial<Parsed> & MessageSigned): Circumstances {
  const { receivedAt: at, peer, head, call } = exchange
  const made = known.get(exchange)
  if (made !== undefined) return made
  const { address, encrypted } = peer
  const asked = { era: call?.era ?? 'legacy', method: call?.method ?? head.method } as const
  const circumstances = { at, address, encrypted, ...asked, signed: exchange.signed !== undefined }
  known.set(exchange, circumstances)
  return circumstances
}

export const idOf = (exchange: Parsed): Id => exchange.call.message['id'] as Id

export const result = (exchange: Parsed, value: Params, status = 200): Answer => ({
  status,
  message: { jsonrpc: '2.0', id: idOf(exchange), result: value },
})

/** A response with the caller's id becomes the answer as it is. */
export const answer = (response: Response, status = 200): Answer => ({
  status,
  message: response,
})

export const accepted: Answer = { status: 202 }

/** Answers a question that may not be asked here, on behalf of the client. */
export const refuseAsk = (request: { readonly id: Id }): Promise<Response> =>
  Promise.resolve({
    jsonrpc: '2.0',
    id: request.id,
    error: { code: -32601, message: 'Requests are not accepted here.' },
  })
