/** Decides when what waits is sent to the collector: in batches, beside the calls. Adding something costs its text, and nothing waits. */
import type { Delivery } from './delivery.ts'
import type { Signal, TelemetryHealth } from './health.ts'
import type { Outbox } from './outbox.ts'

export interface BatchOptions {
  readonly signal: Signal
  readonly delivery: Pick<Delivery, 'send' | 'end' | 'close'>
  readonly outbox: Outbox
  readonly health: TelemetryHealth
  /** The body of a request around items that are JSON already. */
  readonly requestOf: (items: readonly string[]) => string
  /** Items of one request to the collector. */
  readonly batch: number
  /** How long the first item after a pause waits for others. */
  readonly waitMs: number
  /** For what still waits when the gateway ends. */
  readonly closeMs: number
}

export class Batches {
  readonly #options: BatchOptions
  #sending: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(options: BatchOptions) {
    this.#options = options
  }

  /** Never throws and never waits. What there is no room for is lost, and counted. */
  add(item: () => string): void {
    const { signal, outbox, health, batch, waitMs } = this.#options
    const added = !this.#ended && outbox.add(item())
    if (!added) return health.lost(signal, 1, 'full')
    if (outbox.size >= batch) this.#begin()
    else this.#timer ??= setTimeout(() => this.#begin(), waitMs).unref()
  }

  /** Sends what waits, for a short time; the rest is lost. */
  async close(): Promise<void> {
    const { signal, delivery, outbox, health, closeMs } = this.#options
    this.#ended = true
    delivery.end()
    this.#begin()
    const late = new Promise<void>((resolve) => setTimeout(resolve, closeMs).unref())
    await Promise.race([this.#sending, late])
    await delivery.close()
    if (outbox.size > 0) health.lost(signal, outbox.take(outbox.size).length, 'failed')
  }

  #begin(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  async #sendAll(): Promise<void> {
    const { signal, delivery, outbox, health, requestOf, batch } = this.#options
    while (outbox.size > 0) {
      const items = outbox.take(batch)
      const done = await delivery.send(requestOf(items))
      if (!done.ok) health.lost(signal, items.length, done.refused ? 'refused' : 'failed', done.error)
      else if (done.rejected > 0) health.lost(signal, done.rejected, 'refused')
      if (done.ok) health.sent(signal, Math.max(0, items.length - done.rejected))
    }
  }
}
