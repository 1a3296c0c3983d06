/** Sends metrics at regular times. What a collector misses is in the next request: all numbers are totals since the start. */
import type { Clock } from '../../core/clock.ts'
import type { Reading } from '../metrics/reading.ts'
import type { Delivery } from './delivery.ts'
import type { TelemetryHealth } from './health.ts'
import { metricsRequest, type MetricsWords } from './otlp-metrics.ts'
import type { Resource } from './resource.ts'

export interface MetricExporterOptions {
  readonly delivery: Pick<Delivery, 'send' | 'end' | 'close'>
  readonly read: () => Promise<readonly Reading[]>
  readonly health: TelemetryHealth
  readonly resource: Resource
  readonly words: MetricsWords
  readonly clock: Clock
  readonly everyMs: number
  /** For the last one, when the gateway ends. */
  readonly closeMs: number
}

export class MetricExporter {
  readonly #options: MetricExporterOptions
  readonly #startMs: number
  readonly #timer: NodeJS.Timeout
  #sending: Promise<void> | undefined

  constructor(options: MetricExporterOptions) {
    this.#options = options
    this.#startMs = options.clock.now()
    this.#timer = setInterval(() => this.#begin(), options.everyMs).unref()
  }

  async close(): Promise<void> {
    const { delivery, closeMs } = this.#options
    clearInterval(this.#timer)
    delivery.end()
    const late = new Promise<void>((resolve) => setTimeout(resolve, closeMs).unref())
    await Promise.race([Promise.resolve(this.#sending).then(() => this.#begin()), late])
    await delivery.close()
  }

  /** One at a time: while a collector hangs, nothing piles up. */
  #begin(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #send(): Promise<void> {
    const { delivery, read, health, resource, words, clock } = this.#options
    const readings = await read().catch(() => [])
    const { body, points } = metricsRequest(readings, resource, words, { startMs: this.#startMs, nowMs: clock.now() })
    if (points === 0) return
    const done = await delivery.send(body)
    if (!done.ok) return health.lost('metrics', points, done.refused ? 'refused' : 'failed', done.error)
    if (done.rejected > 0) health.lost('metrics', done.rejected, 'refused')
    health.sent('metrics', Math.max(0, points - done.rejected))
  }
}
