/** Sends spans in batches. */
import { performance } from 'node:perf_hooks'
import type { Clock } from '../../core/clock.ts'
import { Batches, type BatchOptions } from './batches.ts'
import { resourceJson, type Resource } from './resource.ts'
import { type Span, spanJson } from './span.ts'

export interface SpanExporterOptions extends Omit<BatchOptions, 'signal' | 'requestOf'> {
  readonly resource: Resource
  readonly clock: Clock
}

const MAX_DRIFT_MS = 50

export class SpanExporter {
  readonly #clock: Clock
  readonly #batches: Batches
  #originMs: number

  constructor({ resource, clock, ...options }: SpanExporterOptions) {
    this.#clock = clock
    this.#originMs = clock.now() - performance.now()
    this.#batches = new Batches({ ...options, signal: 'traces', requestOf: (spans) => requestOf(spans, resource) })
  }

  /** Never throws and never waits. */
  readonly add = (span: Span): void => this.#batches.add(() => spanJson(span, this.#origin()))

  /** Sends what waits, for a short time; the rest is lost. */
  close(): Promise<void> {
    return this.#batches.close()
  }

  /** The wall clock counts whole milliseconds: asked anew for each span, it would move children out of their parents. */
  #origin(): number {
    const now = this.#clock.now() - performance.now()
    if (Math.abs(now - this.#originMs) > MAX_DRIFT_MS) this.#originMs = now
    return this.#originMs
  }
}

/** The body of `ExportTraceServiceRequest` around spans that are JSON already. */
function requestOf(spans: readonly string[], resource: Resource): string {
  const scope = JSON.stringify({ name: 'portcullis', version: resource.version })
  const about = resourceJson(resource)
  return `{"resourceSpans":[{"resource":${about},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}`
}
