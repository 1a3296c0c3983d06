/** A link whose requests are spans and numbers; and what an upstream is told of the trace that they belong to. */
import { performance } from 'node:perf_hooks'
import type { UpstreamMetrics } from '../audit/metrics/upstream-metrics.ts'
import { codeOf } from '../audit/telemetry/timed-stage.ts'
import { type Tracer, withContext } from '../audit/telemetry/tracer.ts'
import type { Cancellation } from '../core/cancellation.ts'
import { type Era, isError, isRecord, type Notification, type Params, type Response } from '../mcp/message.ts'
import type { Connector, LinkWish } from '../upstream/connector.ts'
import type { LinkEnding, LinkEvents, LinkRequest, ManagedLink, ServerFacts } from '../upstream/link.ts'

/** Who hears of requests to upstreams. At least one of them is there. */
export interface LinkObservers {
  readonly tracer?: Tracer | undefined
  readonly metrics?: UpstreamMetrics | undefined
}

/** What is known of an upstream before anything is asked of it. */
export interface LinkPlace {
  readonly upstream: string
  /** `pipe` for a program, in the words of OpenTelemetry. */
  readonly transport: 'tcp' | 'pipe'
  /** Absent for a program. */
  readonly host?: string
}

/** Everything that `connector` opens is observed. */
export function observed(connector: Connector, place: LinkPlace, observers: LinkObservers): Connector {
  return {
    stateless: connector.stateless,
    open: async (wish: LinkWish) => new ObservedLink(await connector.open(wish), place, observers),
    ...(connector.shut && { shut: () => connector.shut?.() }),
    close: () => connector.close(),
  }
}

/** Lasts as long as somebody listens, which says nothing about how an upstream fares. */
const LASTING = 'subscriptions/listen'

class ObservedLink implements ManagedLink {
  readonly #link: ManagedLink
  readonly #place: LinkPlace
  readonly #observers: LinkObservers
  readonly #openedMs = performance.now()
  #over = false

  constructor(link: ManagedLink, place: LinkPlace, observers: LinkObservers) {
    this.#link = link
    this.#place = place
    this.#observers = observers
  }

  get era(): Era {
    return this.#link.era
  }

  get server(): ServerFacts {
    return this.#link.server
  }

  get closed(): boolean {
    return this.#link.closed
  }

  get inFlight(): number {
    return this.#link.inFlight
  }

  get ending(): LinkEnding | undefined {
    return this.#link.ending
  }

  async request(request: LinkRequest, events: LinkEvents, cancellation: Cancellation): Promise<Response> {
    const { tracer } = this.#observers
    const startMs = performance.now()
    const span = tracer?.beginClient(request.incident)
    const params = tracer === undefined ? request.params : withContext(request.params, span, this.era === 'modern')
    const sent = params === request.params ? request : { ...request, params }
    let errorType: string | undefined
    let response: Response | undefined
    try {
      response = await this.#link.request(sent, events, cancellation)
      errorType = errorTypeOf(response)
      return response
    } catch (thrown) {
      errorType = codeOf(thrown)
      throw thrown
    } finally {
      this.#count(request, errorType, startMs)
      if (span?.trace.sampled === true)
        tracer?.endClient(span, nameOf(request), this.#attributes(request, errorType, response))
    }
  }

  notify(notification: Notification): Promise<void> {
    return this.#link.notify(notification)
  }

  async close(): Promise<void> {
    await this.#link.close()
    this.#ended()
  }

  #count(request: LinkRequest, errorType = '', startMs: number): void {
    const { metrics } = this.#observers
    const { method, params } = request
    if (metrics === undefined || method === LASTING) return
    const seconds = (performance.now() - startMs) / 1_000
    metrics.requested({
      upstream: this.#place.upstream,
      method,
      tool: toolOf(method, params) ?? '',
      errorType,
      seconds,
    })
    if (this.#link.closed) this.#ended()
  }

  /** What keeps nothing between two requests has no session that could last. */
  #ended(): void {
    const { upstream, transport } = this.#place
    if (this.#over || (this.era === 'modern' && transport === 'tcp')) return
    this.#over = true
    this.#observers.metrics?.linkEnded(upstream, transport, (performance.now() - this.#openedMs) / 1_000)
  }

  #attributes({ method, params }: LinkRequest, errorType: string | undefined, response: Response | undefined) {
    const { upstream, transport, host } = this.#place
    const { protocolVersion } = this.server
    return {
      'error.type': errorType,
      'mcp.method.name': method,
      'mcp.protocol.version': protocolVersion === '' ? undefined : protocolVersion.slice(0, 32),
      'gen_ai.operation.name': method === 'tools/call' ? 'execute_tool' : undefined,
      'gen_ai.tool.name': toolOf(method, params),
      'rpc.response.status_code': response && isError(response) ? String(response.error.code) : undefined,
      'network.transport': transport,
      'server.address': host,
      'portcullis.upstream': upstream,
    }
  }
}

function nameOf({ method, params }: LinkRequest): string {
  const tool = toolOf(method, params)
  return tool === undefined ? method : `${method} ${tool}`
}

/** A call is sent on for tools that have a definition only, so nobody can invent names here. */
const toolOf = (method: string, { name }: Params): string | undefined =>
  method === 'tools/call' && typeof name === 'string' ? name.slice(0, 128) : undefined

function errorTypeOf(response: Response): string | undefined {
  if (isError(response)) return String(response.error.code)
  const { result } = response
  return isRecord(result) && result['isError'] === true ? 'tool_error' : undefined
}
