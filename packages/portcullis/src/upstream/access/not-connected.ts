/** The refusal of an upstream for which a caller has no credential yet, or one that may do too little. */
import { Fault } from '../../core/fault.ts'

/** What a consent would have to be for. */
export interface Wanted {
  readonly upstream: string
  /** Scopes beside those that are there; empty when nothing is known of them. */
  readonly scopes: readonly string[]
  /** Where the upstream says its metadata are (RFC 9728 §5.1). Hostile input. */
  readonly metadataUrl?: string
}

export class NotConnected extends Fault {
  /** Undefined when no consent of the caller helps: an operator has to deposit something. */
  readonly wanted: Wanted | undefined

  constructor(upstream: string, reason: string, wanted?: Wanted) {
    super('upstream.not_connected', { upstream, reason, ...(wanted && { scopes: wanted.scopes }) })
    this.wanted = wanted
  }
}
