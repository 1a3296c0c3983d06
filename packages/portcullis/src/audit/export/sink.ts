/** The port behind which records leave: a file, a stream, a receiver somewhere else. */
import type { ExportEvent } from './event.ts'

/** What one record became. */
export interface Item {
  readonly event: ExportEvent
  readonly texts: readonly string[]
}

/** Records of one tenant, in the order of its chain. */
export interface Parcel {
  readonly tenant: string
  readonly items: readonly Item[]
}

export interface Sink {
  /** Resolves when the receiver has taken all of it; rejects with SinkError or any other error when that is not known. */
  deliver(parcel: Parcel, signal: AbortSignal): Promise<void>
  /** Lets go of what is open. What is under way fails. */
  close(): Promise<void>
}

export interface SinkErrorOptions {
  readonly cause?: unknown
  /** It is for what was sent, and would be so again: not for the receiver, nor for the way there. */
  readonly refused?: boolean
  /** How long the receiver asks us to wait. */
  readonly retryAfterMs?: number | undefined
}

/** Why a receiver did not take records. The message is for operators: no content, no secret. */
export class SinkError extends Error {
  override readonly name = 'SinkError'
  readonly refused: boolean
  readonly retryAfterMs: number | undefined

  constructor(message: string, { cause, refused = false, retryAfterMs }: SinkErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.refused = refused
    this.retryAfterMs = retryAfterMs
  }
}
