import type { Recorded } from '../audit/intent.ts'
import type { Authorized } from '../core/decision.ts'
import type { Answer, Exchange } from '../core/exchange.ts'
import { type Check, type Filter, type Handler, Pipeline, type Wrap } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { MessageSigned } from '../core/signed.ts'
import type { Inspected } from '../inspection/inspect-arguments.ts'
import type { Protected } from '../data-protection/masking/mask-arguments.ts'
import type { Bounded } from '../limits/bound.ts'
import type { Received } from '../limits/receive.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import type { Approved } from '../upstream/relay/approval.ts'
import type { Sessioned } from '../upstream/relay/attach-session.ts'
import type { Administration } from './administration.ts'

/** Everything that is known of a message before policy has spoken. */
export type Understood = Entered & Received & Parsed & Sessioned & Resolved

/** Everything that must be known, allowed and on record before an upstream is reached. */
export type Admitted = Understood & Authorized & Inspected & Protected & Recorded

/** What a GET or DELETE of the 2025 revisions has to prove: it carries no message. */
export type Entered = Exchange & Routed & Bounded & Authenticated & MessageSigned

/** The stages, made by `build-stages.ts` from the configuration. Their order is not theirs to choose. */
export interface Stages {
  readonly trail: Wrap<Exchange>
  readonly metrics: Wrap<Exchange>
  readonly address: Check<Exchange>
  readonly overload: Check<Exchange>
  readonly strictHead: Check<Exchange>
  readonly origin: Check<Exchange>
  readonly preflight: Wrap<Exchange>
  readonly rateByAddress: Check<Exchange>
  readonly route: Check<Exchange, Routed>
  readonly adminRoute: Check<Exchange, Routed>
  readonly bound: Check<Exchange, Bounded>
  readonly deadline: Wrap<Exchange & Routed & Bounded>
  readonly authenticate: Check<Exchange & Routed, Authenticated>
  readonly caller: Check<Exchange & Authenticated>
  readonly nonce: Wrap<Exchange & Authenticated>
  readonly standing: Wrap<Exchange & Routed & Bounded & Authenticated>
  readonly watch: Wrap<Exchange & Authenticated>
  readonly rateByCaller: Check<Exchange & Authenticated>
  readonly signatures: Check<Exchange & Routed & Authenticated, MessageSigned>
  readonly administrator: Check<Exchange & Authenticated>
  readonly negotiate: Check<Exchange>
  readonly receive: Check<Exchange, Received>
  readonly parse: Check<Exchange & Routed & Authenticated & Received, Parsed>
  readonly restrain: Check<Exchange & Routed & Authenticated & Parsed>
  readonly attachSession: Check<Exchange & Routed & Authenticated & Parsed, Sessioned>
  readonly resolve: Check<Exchange & Routed & Authenticated & Parsed, Resolved>
  readonly reveal: Check<Understood>
  readonly target: Check<Exchange & Routed & Authenticated & Partial<Resolved>>
  readonly checkDefinition: Check<Understood>
  readonly scopes: Check<Exchange & Routed & Authenticated & Partial<Resolved>>
  readonly checkArguments: Check<Understood>
  readonly checkParamHeaders: Check<Understood>
  readonly authorize: Check<Understood, Authorized>
  readonly inspectArguments: Check<Understood & Authorized, Inspected>
  readonly maskArguments: Check<Understood & Authorized & Inspected, Protected>
  readonly approve: Check<Understood & Authorized & Inspected, Approved>
  readonly rateByTarget: Check<Understood>
  readonly tenantConcurrency: Wrap<Understood>
  readonly adaptive: Wrap<Understood>
  readonly concurrency: Wrap<Understood>
  readonly breaker: Wrap<Understood>
  readonly intent: Check<Understood & Authorized, Recorded>
  readonly maskResults: Wrap<Admitted>
  readonly maskStream: Wrap<Entered>
  readonly inspectResults: Filter<Admitted>
  readonly inspectStream: Filter<Entered>
  readonly checkResult: Filter<Admitted>
}

/**
 * THE ORDER. A message walks down, its answer walks up. Cheap before costly, headers before body, who before what, what
 * before may, may before spend. The compiler refuses an order in which a stage lacks a fact that it needs.
 */
const entrance = (s: Stages, route = s.route): Pipeline<Exchange, Entered> =>
  Pipeline.from<Exchange>()
    .wrap(s.trail) // nothing is answered that is not on record
    .wrap(s.metrics)
    .check(s.address)
    .check(s.overload) // before anything is spent on it
    .check(s.rateByAddress)
    .check(s.strictHead)
    .check(s.origin)
    .wrap(s.preflight) // a browser asks first, without a credential
    .check(route)
    .check(s.bound)
    .wrap(s.deadline)
    .check(s.authenticate) // who
    .check(s.caller)
    .wrap(s.nonce)
    .wrap(s.standing) // for as long as the credential stands
    .wrap(s.watch) // how it conducts itself
    .check(s.rateByCaller)
    .check(s.signatures) // in its own hand, where it has to be

export const messagePath = (s: Stages): Pipeline<Exchange, Admitted> =>
  entrance(s)
    .check(s.negotiate)
    .check(s.receive)
    .check(s.parse) // what
    .check(s.restrain) // nothing more for whoever is held back
    .check(s.attachSession)
    .check(s.resolve)
    .check(s.reveal) // hidden equals unknown, before anything is said about arguments
    .check(s.target)
    .check(s.checkDefinition) // as somebody has read and approved it
    .check(s.scopes) // what the token was issued for
    .check(s.checkArguments)
    .check(s.checkParamHeaders)
    .check(s.authorize) // may
    .check(s.inspectArguments) // with what
    .check(s.maskArguments) // less what the upstream need not know
    .check(s.approve) // a person has the last word about a caller that behaves unusually
    .check(s.rateByTarget) // what it costs
    .wrap(s.tenantConcurrency)
    .wrap(s.adaptive)
    .wrap(s.concurrency)
    .wrap(s.breaker)
    .check(s.intent) // on record before it happens
    .wrap(s.maskResults) // the caller, too, gets no more than it needs
    .filter(s.inspectResults) // what is sent is what was looked at last
    .filter(s.checkResult)

/** GET and DELETE of the 2025 revisions: a session's stream and its end. The same entrance, without a message. */
export const streamPath = (s: Stages): Pipeline<Exchange, Entered> =>
  entrance(s).check(s.target).check(s.scopes).wrap(s.maskStream).filter(s.inspectStream)

/** What administrators may know of the running gateway, and change. */
export const adminPath = (s: Stages): Pipeline<Exchange, Entered> =>
  entrance(s, s.adminRoute).check(s.administrator).check(s.scopes)

/** Documents that need no sign-in, such as RFC 9728 metadata, and what is mounted, such as the sign-in itself: for whoever calls us by our own name. */
export const documentPath = (s: Stages): Pipeline<Exchange, Exchange> =>
  Pipeline.from<Exchange>()
    .wrap(s.trail)
    .wrap(s.metrics)
    .check(s.address)
    .check(s.rateByAddress)
    .check(s.strictHead)
    .check(s.origin)
    .wrap(s.preflight)

export interface Ends {
  readonly message: Handler<Admitted>
  readonly stream: Handler<Entered>
  /** Documents by path. */
  readonly documents: ReadonlyMap<string, object>
  readonly administration: Administration
  /** Answers its paths by itself; what guards a document guards them too. Absent when nothing is mounted. */
  readonly mount?: Mount
}

export interface Mount {
  takes(path: string): boolean
  serve(exchange: Exchange): Promise<Answer>
}

/** One door: chooses the path by what the head says, before anything else is looked at. */
export function door(stages: Stages, ends: Ends): Handler<Exchange> {
  const message = messagePath(stages).to(ends.message)
  const stream = streamPath(stages).to(ends.stream)
  const document = documentPath(stages).to(async ({ head }) => ({
    status: 200,
    headers: { 'access-control-allow-origin': '*' },
    document: ends.documents.get(head.path) as object,
  }))
  const administration = adminPath(stages).to((exchange) => ends.administration.serve(exchange))
  const { mount } = ends
  const mounted = mount && documentPath(stages).to((exchange) => mount.serve(exchange))
  return (exchange) => {
    const { method, path } = exchange.head
    if (ends.administration.takes(path)) return administration(exchange)
    if (method === 'GET' && ends.documents.has(path)) return document(exchange)
    if (mounted !== undefined && mount?.takes(path) === true) return mounted(exchange)
    return method === 'GET' || method === 'DELETE' ? stream(exchange) : message(exchange)
  }
}
