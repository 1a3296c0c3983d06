/** The port by which this room tells what it has changed and what it has refused. Both are on record before they take effect. */
import type { Exchange } from '../../core/exchange.ts'
import type { FaultCode } from '../../core/fault.ts'

export type Facts = Readonly<Record<string, unknown>>

export interface Witness {
  /** Rejects with `audit.unavailable`: then the change must not happen. */
  changed(tenant: string | undefined, what: string, by: string | undefined, facts: Facts): Promise<void>
  /** Rejects with `audit.unavailable`. */
  refused(exchange: Exchange, code: FaultCode, status: number, facts: Facts): Promise<void>
  /** A mistake of our own or of the library. */
  failed(exchange: Exchange, error: unknown): void
}
