/** Makes the spans of requests: which trace a request joins, what its upstream is told of it, and what is sent when it has ended. */
import { performance } from 'node:perf_hooks'
import type { Answer, Exchange } from '../../core/exchange.ts'
import type { Parsed } from '../../mcp/call.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import { listedBaggage } from './baggage.ts'
import { CallTrace } from './call-trace.ts'
import { type IdentityWords, serverAttributes, serverName } from './server-span.ts'
import { newSpanId } from './random-ids.ts'
import type { Sampler } from './sampling.ts'
import { type Span, SPAN_KIND } from './span.ts'
import type { AttributeValues } from './otlp-value.ts'
import { readTraceContext, traceparent } from './trace-context.ts'
import { TRACE, type Traced } from './traced.ts'

export interface TracerOptions {
  readonly sampler: Sampler
  /** Takes a span that has ended. Must not throw, and keeps nobody waiting. */
  readonly emit: (span: Span) => void
  readonly identity: IdentityWords
  /** Keys of baggage that go on to upstreams. */
  readonly baggage: ReadonlySet<string>
  /** Attributes with arguments and results, for tools for which that was asked. */
  readonly content?: (exchange: Traced, answer: Answer) => AttributeValues | undefined
}

/** A span towards an upstream that is under way. */
export interface ClientSpan {
  readonly trace: CallTrace
  readonly spanId: string
  readonly startMs: number
}

export class Tracer {
  readonly #options: TracerOptions
  /** Requests whose calls may reach an upstream, by their incident. */
  readonly #joined = new Map<string, CallTrace>()

  constructor(options: TracerOptions) {
    this.#options = options
  }

  /** Calls that are under way. */
  get size(): number {
    return this.#joined.size
  }

  begin(exchange: Traced): CallTrace {
    const trace = new CallTrace(performance.now())
    exchange[TRACE] = trace
    return trace
  }

  /**
   * The caller is known and its message is read: now it counts what it says of its trace. `_meta` is of the call, the
   * header of the connection that carried it (MCP conventions of OpenTelemetry, "Context propagation").
   */
  join(exchange: Traced & Parsed): void {
    const trace = exchange[TRACE]
    if (trace === undefined || trace.sampled !== undefined) return
    const meta = exchange.call.params['_meta']
    const inner = isRecord(meta) ? readTraceContext(meta['traceparent'], meta['tracestate']) : undefined
    const outer = headerContext(exchange)
    const told = inner ?? outer
    const { sampler, baggage } = this.#options
    trace.settle(sampler.decide(told, trace.startMs), sampler.joins ? told : undefined)
    if (!sampler.joins) trace.link = told
    else if (inner !== undefined && outer !== undefined && outer.spanId !== inner.spanId) trace.link = outer
    if (baggage.size > 0 && isRecord(meta)) trace.baggage = listedBaggage(meta['baggage'], baggage)
    this.#joined.set(exchange.incident, trace)
  }

  /** `incident` is that of the caller's request; undefined where nobody asked, or nobody listens any more. */
  beginClient(incident: string | undefined): ClientSpan | undefined {
    const trace = incident === undefined ? undefined : this.#joined.get(incident)
    return trace && { trace, spanId: newSpanId(), startMs: performance.now() }
  }

  endClient({ trace, spanId, startMs }: ClientSpan, name: string, attributes: AttributeValues): void {
    if (trace.sampled !== true) return
    this.#options.emit({
      ...this.#placed(trace, trace.spanId),
      spanId,
      name,
      kind: SPAN_KIND.client,
      startMs,
      endMs: performance.now(),
      attributes,
      failed: attributes['error.type'] !== undefined,
    })
  }

  end(exchange: Traced, answer: Answer): void {
    const trace = exchange[TRACE]
    if (trace === undefined) return
    this.#joined.delete(exchange.incident)
    // Whoever was refused before it was known who it is has no say in what is traced.
    if (trace.sampled === undefined) trace.settle(this.#options.sampler.decide(undefined, trace.startMs), undefined)
    if (trace.sampled !== true) return
    const endMs = performance.now()
    if (trace.answeredMs !== undefined) trace.note('audit.commit', trace.answeredMs, endMs, true)
    this.#emitStages(trace)
    const { identity, content, emit } = this.#options
    const attributes = serverAttributes(exchange, answer, trace, identity)
    emit({
      ...this.#placed(trace, trace.parent?.spanId ?? ''),
      spanId: trace.spanId,
      name: serverName(exchange),
      kind: SPAN_KIND.server,
      startMs: trace.startMs,
      endMs,
      attributes: content === undefined ? attributes : { ...attributes, ...content(exchange, answer) },
      failed: attributes['error.type'] !== undefined,
      link: trace.link,
    })
  }

  #emitStages(trace: CallTrace): void {
    for (const { name, startMs, endMs, error } of trace.stages ?? []) {
      this.#options.emit({
        ...this.#placed(trace, trace.spanId),
        ...{ spanId: newSpanId(), name, kind: SPAN_KIND.internal, startMs, endMs },
        attributes: { 'error.type': error },
        failed: error !== undefined,
      })
    }
  }

  #placed({ traceId, parent }: CallTrace, parentId: string) {
    return { traceId, parentId, state: parent?.state ?? '' }
  }
}

/**
 * Parameters whose `_meta` says that our span is the parent. What the caller said of its trace goes no further: an upstream
 * would take the gateway for not there, and baggage may say who somebody is. `adds` is false for upstreams that may not
 * know the context; they get one where the caller gave one.
 */
export function withContext(params: Params, span: ClientSpan | undefined, adds: boolean): Params {
  const before = params['_meta']
  const meta: Record<string, unknown> = {}
  let said = false
  if (isRecord(before)) {
    for (const name in before) {
      if (CONTEXT.has(name)) said = true
      else meta[name] = before[name]
    }
  }
  if (!said && (span === undefined || !adds)) return params
  if (span !== undefined) addContext(meta, span)
  return { ...params, _meta: meta }
}

const CONTEXT: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

function addContext(meta: Record<string, unknown>, { trace, spanId }: ClientSpan): void {
  const { traceId, sampled, parent, baggage } = trace
  meta['traceparent'] = traceparent(traceId, spanId, sampled === true)
  if (parent !== undefined && parent.state !== '') meta['tracestate'] = parent.state
  if (baggage !== undefined) meta['baggage'] = baggage
}

/** A header that came twice says nothing. */
function headerContext({ head }: Exchange) {
  if (head.headers['traceparent'] === undefined || head.repeated?.includes('traceparent') === true) return undefined
  return readTraceContext(head.headers['traceparent'], head.headers['tracestate'])
}
