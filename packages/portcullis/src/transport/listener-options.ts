/** What a listener has to be told: where it listens, whom it asks, how much it takes, and who serves. */
import type { TlsOptions } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import type { Answer, Exchange, RequestHead } from '../core/exchange.ts'
import type { ClientProofOptions } from './client-proof.ts'
import type { Http2FrontOptions, Http2Limits } from './http2-front.ts'
import type { EventJournal } from './reply.ts'

/** Resource limits of a listener; `traffic/flood.ts` holds the values and the reasons. */
export interface ListenerLimits {
  /** For the TLS handshake, and then for the head. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxHeaders: number
  readonly maxRequestsPerSocket: number
  readonly maxConnections: number
}

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** TLS material; absent only where the configuration spells `plaintext`. */
  readonly tls?: TlsOptions
  /** Bounds of HTTP/2 beside `limits`, for clients that choose it by ALPN; absent when it is not offered. */
  readonly http2?: { readonly limits: Omit<Http2Limits, keyof ListenerLimits> } & Pick<
    Http2FrontOptions,
    'gate' | 'onAbuse'
  >
  /** What is asked of client certificates; absent when clients are not asked for any. */
  readonly clients?: ClientProofOptions
  /** The OCSP response to send with the certificate, DER; undefined while there is none. Absent: never. */
  readonly staple?: () => Buffer | undefined
  readonly limits: ListenerLimits
  readonly clock: Clock
  /** Milliseconds between the comments that keep silent streams open. */
  readonly keepAliveMs: number
  /** Says whether one more socket of this address is taken; `release` is called when it closes. */
  readonly gate?: { admit(address: string): boolean; release(address: string): void }
  readonly serve: (exchange: Exchange) => Promise<Answer>
  /** The journal for a reply that becomes a stream; asked only after the request was admitted. */
  readonly journal: (head: RequestHead) => EventJournal | undefined
}
