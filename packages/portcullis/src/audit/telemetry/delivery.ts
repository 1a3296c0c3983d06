/** Brings one request to the collector, or gives it up: a deadline for each attempt, few attempts, longer and longer pauses. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Secret } from '../../core/secret.ts'
import { poster, type PostOptions } from '../export/https-post.ts'
import { revealed } from '../export/otlp-sink.ts'
import { SinkError } from '../export/sink.ts'

export interface DeliveryOptions extends PostOptions {
  readonly headers: Readonly<Record<string, Secret>>
  /** For one attempt. */
  readonly deadlineMs: number
  readonly attempts: number
  /** After the first failure; doubles with each. */
  readonly pauseMs: number
}

/** `rejected`: how many of the items a collector did not want (OTLP "Partial Success"). */
export type Delivered =
  | { readonly ok: true; readonly rejected: number }
  | { readonly ok: false; readonly refused: boolean; readonly error: unknown }

const MAX_PAUSE_MS = 30_000

export class Delivery {
  readonly #options: DeliveryOptions
  readonly #receiver: ReturnType<typeof poster>
  readonly #ending = new AbortController()

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#receiver = poster(options)
  }

  /** Never rejects. After `end` there is one attempt and no pause. */
  async send(body: string): Promise<Delivered> {
    for (let attempt = 1; ; attempt++) {
      const { deadlineMs, headers, attempts, pauseMs } = this.#options
      try {
        const answer = await this.#receiver.post(revealed(headers), body, AbortSignal.timeout(deadlineMs))
        return { ok: true, rejected: rejectedItems(answer) }
      } catch (error) {
        const refused = error instanceof SinkError && error.refused
        if (refused || attempt >= attempts || this.#ending.signal.aborted) return { ok: false, refused, error }
        const wanted = error instanceof SinkError ? error.retryAfterMs : undefined
        await this.#pause(Math.min(wanted ?? pauseMs * 2 ** (attempt - 1), MAX_PAUSE_MS))
      }
    }
  }

  /** Whoever pauses tries once more, now. */
  end(): void {
    this.#ending.abort()
  }

  async close(): Promise<void> {
    this.end()
    await this.#receiver.close()
  }

  /** It leaves nothing on the signal: a collector may be away for weeks. */
  #pause(ms: number): Promise<void> {
    return pause(ms, undefined, { signal: this.#ending.signal, ref: false }).catch(() => undefined)
  }
}

/** Collectors may answer with nothing, or in protobuf; then they took all. */
function rejectedItems(answer: string): number {
  try {
    const { partialSuccess = {} } = JSON.parse(answer) as { readonly partialSuccess?: Record<string, unknown> }
    return (
      Number(
        partialSuccess['rejectedSpans'] ??
          partialSuccess['rejectedDataPoints'] ??
          partialSuccess['rejectedLogRecords'] ??
          0,
      ) || 0
    )
  } catch {
    return 0
  }
}
