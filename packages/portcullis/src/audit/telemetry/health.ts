/** How telemetry itself fares: counted for whoever scrapes, and told in the log at most once a period. */
import { Counter, Family } from '../metrics/family.ts'
import { counted, type Reading } from '../metrics/reading.ts'

export type Signal = 'traces' | 'metrics' | 'logs'
/** `full`: there was no room. `refused`: the collector did not want it. `failed`: it could not be reached. */
export type LossReason = 'full' | 'refused' | 'failed'

/** Hears of what was lost. */
export type TellLoss = (facts: {
  readonly signal: Signal
  readonly lost: number
  readonly reason: LossReason
  readonly error?: unknown
}) => void

const PERIOD_MS = 60_000

export class TelemetryHealth {
  readonly #sent = new Family(['signal'], () => new Counter(), 10)
  readonly #lost = new Family(['signal', 'reason'], () => new Counter(), 20)
  readonly #tell: TellLoss
  readonly #now: () => number
  /** By signal: since when nobody was told, and how much was lost since. */
  readonly #untold = new Map<Signal, { at: number; lost: number }>()

  /** `now` in milliseconds. */
  constructor(tell: TellLoss, now: () => number) {
    this.#tell = tell
    this.#now = now
  }

  sent(signal: Signal, items: number): void {
    this.#sent.of(signal).add(items)
  }

  lost(signal: Signal, items: number, reason: LossReason, error?: unknown): void {
    this.#lost.of(signal, reason).add(items)
    const now = this.#now()
    const untold = this.#untold.get(signal) ?? { at: Number.NEGATIVE_INFINITY, lost: 0 }
    untold.lost += items
    this.#untold.set(signal, untold)
    if (now - untold.at < PERIOD_MS) return
    this.#tell({ signal, lost: untold.lost, reason, ...(error !== undefined && { error }) })
    untold.at = now
    untold.lost = 0
  }

  get readings(): readonly Reading[] {
    return [
      counted(
        'portcullis_telemetry_sent_total',
        'Spans, data points and entries of the log that a collector has taken.',
        this.#sent,
      ),
      counted(
        'portcullis_telemetry_lost_total',
        'Spans, data points and entries of the log that no collector has taken, by why.',
        this.#lost,
      ),
    ]
  }
}
