import type { Authorized } from '../core/decision.ts'
import type { Exchange, Outgoing, Outlet } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Parsed } from '../mcp/call.ts'
import { callBody, digestOfBulk, tenantOf } from './facts.ts'
import type { Ledger } from './ledger.ts'
import type { Payloads } from './payload.ts'
import type { PayloadMark } from './record.ts'

/**
 * Records what is about to be done, right before the upstream.
 *
 * The write starts at once and runs beside the upstream's work; nothing of the answer leaves before it has ended. When
 * the trail is known to be broken the upstream is not reached at all.
 */
export interface Recorded {
  /** Resolves when the call record is durable. Rejects with the fault `audit.unavailable`. */
  readonly recorded: Promise<void>
  /** Counts what precedes the answer; later stages may have wrapped it. */
  readonly recordedOutlet: RecordedOutlet
}

export type Intended = Exchange & Authenticated & Parsed & Authorized

export interface IntentOptions {
  readonly ledger: Ledger
  /** Absent where nothing of any call is kept. */
  readonly payloads?: Pick<Payloads, 'ofArguments'> | undefined
  /** Name of a required exporter that is too far behind with a tenant; absent where none is required. */
  readonly behind?: ((tenant: string) => string | undefined) | undefined
  /** Name of a required witness that knows too little of a tenant's chain; absent where none is required. */
  readonly unwitnessed?: ((tenant: string) => string | undefined) | undefined
}

/** Place it last, so that the upstream's handler can demand the fact `Recorded`. Throws `audit.unavailable`, `audit.export_behind` and `audit.witness_behind`. */
export function auditIntent({ ledger, payloads, behind, unwitnessed }: IntentOptions): Check<Intended, Recorded> {
  return {
    name: 'audit.intent',
    check(exchange) {
      const tenant = tenantOf(exchange)
      if (!ledger.intact(tenant)) throw new Fault('audit.unavailable', { tenant })
      const exporter = behind?.(tenant)
      if (exporter !== undefined) throw new Fault('audit.export_behind', { tenant, exporter })
      const witness = unwitnessed?.(tenant)
      if (witness !== undefined) throw new Fault('audit.witness_behind', { tenant, witness })
      const begin = (digest?: string, payload?: PayloadMark): Recorded => {
        const recorded = ledger.append(tenant, callBody(exchange, digest, payload))
        const recordedOutlet = new RecordedOutlet(exchange.outlet, recorded)
        exchange.outlet = recordedOutlet
        return { recorded, recordedOutlet }
      }
      const kept = payloads?.ofArguments(exchange)
      // The payload is durable before the record that names it, and the upstream is not reached without it.
      if (kept !== undefined) return Promise.all([digestOfBulk(exchange.call), kept]).then((both) => begin(...both))
      return digestOfBulk(exchange.call)?.then((digest) => begin(digest)) ?? begin()
    },
  }
}

/** Holds messages back until the call record is durable, in their order. Its `send` can reject with that record. */
export class RecordedOutlet implements Outlet {
  readonly #outlet: Outlet
  readonly #recorded: Promise<void>
  #durable = false
  #waiting = 0
  #sent = 0

  constructor(outlet: Outlet, recorded: Promise<void>) {
    this.#outlet = outlet
    this.#recorded = recorded
  }

  /** How many messages were sent. */
  get sent(): number {
    return this.#sent
  }

  send(message: Outgoing): Promise<void> | void {
    this.#sent++
    if (this.#durable && this.#waiting === 0) return this.#outlet.send(message)
    return this.#afterRecord(() => this.#outlet.send(message))
  }

  open(): void {
    if (this.#durable && this.#waiting === 0) this.#outlet.open()
    // The failure reaches the caller through the trail; a stream that stays closed is all that follows here.
    else this.#afterRecord(() => this.#outlet.open()).catch(() => undefined)
  }

  async #afterRecord(act: () => Promise<void> | void): Promise<void> {
    this.#waiting++
    try {
      await this.#recorded
      this.#durable = true
    } finally {
      this.#waiting--
    }
    await act()
  }
}
