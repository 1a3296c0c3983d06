/** Sends records as logs of OpenTelemetry over HTTP (OTLP/HTTP, JSON). */
import type { Secret } from '../../core/secret.ts'
import type { Origin } from './event.ts'
import { poster, type PostOptions } from './https-post.ts'
import { otlpRecord, otlpRequest, rejectedRecords } from './otlp-record.ts'
import { type Sink, SinkError } from './sink.ts'

export interface OtlpSinkOptions extends PostOptions {
  readonly headers: Readonly<Record<string, Secret>>
  readonly origin: Origin
}

export function otlpSink({ headers, origin, ...options }: OtlpSinkOptions): Sink {
  const receiver = poster(options)
  return {
    async deliver({ items }, signal) {
      const records = items.flatMap(({ event, texts }) => texts.map((text) => otlpRecord(event, text)))
      const answer = await receiver.post(revealed(headers), otlpRequest(records, origin), signal)
      const rejected = rejectedRecords(answer)
      // It does not say which, and what was rejected must not be sent again as it is: each is sent by itself.
      if (rejected > 0) throw new SinkError(`the collector rejected ${rejected} records`, { refused: true })
    },
    close: () => receiver.close(),
  }
}

/** The values at the moment at which they are sent. */
export const revealed = (headers: Readonly<Record<string, Secret>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]))
