/** What comes back from an HTTP upstream: one buffer, or a stream of chunks. */
import type { Parse } from './link.ts'

export type HttpResponse = BufferedResponse | StreamedResponse
type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

export interface BufferedResponse {
  readonly kind: 'buffer'
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: Buffer
}

/** A successful response of type `text/event-stream`. Whoever gets it must read it to its end or abort it. */
export interface StreamedResponse {
  readonly kind: 'stream'
  readonly status: number
  readonly headers: ResponseHeaders
  readonly stream: ChunkStream
}

/** Chunks of one response. The connection is paused while more wait than the reader takes. */
export interface ChunkStream {
  /** What reads its messages in place of `parse`. */
  reads?(parse: Parse): Parse
  /** The next chunk, or undefined at the end. Throws `upstream.ended` when the connection breaks. */
  next(): Promise<Buffer | undefined>
  /** Reads on without keeping anything, so that the connection can be used again; aborts when that takes too long. */
  drain(): void
  /** Closes the connection. A reader that waits gets `upstream.ended`. Idempotent. */
  abort(): void
}
