/** Sends spans in batches, beside the calls: adding one costs its JSON text, and nothing else waits for the collector. */
import { performance } from 'node:perf_hooks'
import type { Clock } from '../../core/clock.ts'
import type { Delivery } from './delivery.ts'
import type { TelemetryHealth } from './health.ts'
import type { Outbox } from './outbox.ts'
import { resourceJson, type Resource } from './resource.ts'
import { type Span, spanJson } from './span.ts'

export interface SpanExporterOptions {
  readonly delivery: Pick<Delivery, 'send' | 'end' | 'close'>
  readonly outbox: Outbox
  readonly health: TelemetryHealth
  readonly resource: Resource
  readonly clock: Clock
  /** Spans of one request to the collector. */
  readonly batch: number
  /** How long the first span after a pause waits for others. */
  readonly waitMs: number
  /** For what still waits when the gateway ends. */
  readonly closeMs: number
}

const MAX_DRIFT_MS = 50

export class SpanExporter {
  readonly #options: SpanExporterOptions
  #sending: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #ended = false
  #originMs: number

  constructor(options: SpanExporterOptions) {
    this.#options = options
    this.#originMs = options.clock.now() - performance.now()
  }

  /** Never throws and never waits. */
  readonly add = (span: Span): void => {
    const { outbox, health, batch, waitMs } = this.#options
    const added = !this.#ended && outbox.add(spanJson(span, this.#origin()))
    if (!added) return health.lost('traces', 1, 'full')
    if (outbox.size >= batch) this.#begin()
    else this.#timer ??= setTimeout(() => this.#begin(), waitMs).unref()
  }

  /** Sends what waits, for a short time; the rest is lost. */
  async close(): Promise<void> {
    const { delivery, outbox, health, closeMs } = this.#options
    this.#ended = true
    delivery.end()
    this.#begin()
    const late = new Promise<void>((resolve) => setTimeout(resolve, closeMs).unref())
    await Promise.race([this.#sending, late])
    await delivery.close()
    if (outbox.size > 0) health.lost('traces', outbox.take(outbox.size).length, 'failed')
  }

  /** The wall clock counts whole milliseconds: asked anew for each span, it would move children out of their parents. */
  #origin(): number {
    const now = this.#options.clock.now() - performance.now()
    if (Math.abs(now - this.#originMs) > MAX_DRIFT_MS) this.#originMs = now
    return this.#originMs
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  async #sendAll(): Promise<void> {
    const { delivery, outbox, health, resource, batch } = this.#options
    while (outbox.size > 0) {
      const spans = outbox.take(batch)
      const done = await delivery.send(requestOf(spans, resource))
      if (!done.ok) health.lost('traces', spans.length, done.refused ? 'refused' : 'failed', done.error)
      else if (done.rejected > 0) health.lost('traces', done.rejected, 'refused')
      if (done.ok) health.sent('traces', Math.max(0, spans.length - done.rejected))
    }
  }
}

/** The body of `ExportTraceServiceRequest` around spans that are JSON already. */
function requestOf(spans: readonly string[], resource: Resource): string {
  const scope = JSON.stringify({ name: 'portcullis', version: resource.version })
  const about = resourceJson(resource)
  return `{"resourceSpans":[{"resource":${about},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}`
}
