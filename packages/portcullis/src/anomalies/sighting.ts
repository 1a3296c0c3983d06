/** What is known of one request when it has ended. */

/**
 * `denied`: refused because the caller may not. `failed`: it broke, or the tool said so. `other`: refused for what says nothing
 * of the caller, such as a full queue.
 */
export type Outcome = 'ok' | 'failed' | 'denied' | 'other'

export interface Sighting {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly tenant: string
  /** Id of the principal. */
  readonly principal: string
  /** The address of the caller, or the /64 of an IPv6 one. */
  readonly network: string
  /** Present when a tool was called that there is. */
  readonly upstream?: string
  readonly tool?: string
  readonly outcome: Outcome
  /** Length of what the caller was given, about, in bytes. */
  readonly bytes: number
  /** Findings of the inspection, of arguments and results, that were more than noted. */
  readonly findings: number
  readonly incident: string
}
