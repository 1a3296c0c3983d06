/** Sends records to a receiver over HTTPS, signed so that it can tell who sent them and that nobody changed them. */
import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'
import { poster, type PostOptions } from './https-post.ts'
import { revealed } from './otlp-sink.ts'
import type { Sink } from './sink.ts'
import { type WebhookKeys, webhookMessage } from './webhook-message.ts'

export interface WebhookSinkOptions extends PostOptions {
  /** Name of the format of the texts. */
  readonly format: string
  readonly keys: WebhookKeys
  readonly headers: Readonly<Record<string, Secret>>
  readonly clock: Clock
}

export function webhookSink({ format, keys, headers, clock, ...options }: WebhookSinkOptions): Sink {
  const receiver = poster(options)
  return {
    async deliver(parcel, signal) {
      const message = webhookMessage(parcel, format, keys, clock.now())
      await receiver.post({ ...revealed(headers), ...message.headers }, message.body, signal)
    },
    close: () => receiver.close(),
  }
}
