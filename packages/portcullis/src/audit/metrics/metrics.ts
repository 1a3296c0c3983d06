/** What is counted of the gateway's work, and under which labels. Names of callers, addresses and values never are. */
import { Counter, Family, Histogram, OTHER } from './family.ts'
import { counted, one, type Reading } from './reading.ts'

/** How one request ended. */
export interface Ended {
  /** Empty where the request reached none, or none that is known. */
  readonly upstream: string
  /** A method of the protocol; empty where there was no message, or none that could be understood. */
  readonly method: string
  /** A tool whose definition is known; else empty. */
  readonly tool: string
  readonly era: string
  /** Empty until somebody has signed in. */
  readonly tenant: string
  /** `ok`, `tool_error`, `rpc_error` or the code of a fault. */
  readonly outcome: string
  readonly seconds: number
}

/** Hears of what happens. On the path of every call: must not throw, and takes less than a microsecond. */
export interface Metrics {
  ended(request: Ended): void
  /** A record is durable, so many seconds after it was given to the ledger. */
  recorded(kind: string, seconds: number): void
  /** A record could not be written. */
  recordLost(): void
  /** So many records became durable together. */
  committed(records: number): void
}

/** Seconds; those that the MCP conventions of OpenTelemetry advise, and finer ones below, where a gateway is. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]
const COMMIT_RECORDS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
/** Outcomes that are no fault. */
const ANSWERS: ReadonlySet<string> = new Set(['ok', 'tool_error', 'rpc_error'])
/** Sets of labels of one metric. */
const MAX_COUNTERS = 5_000
const MAX_HISTOGRAMS = 500
/** Tenants that are told by name. */
const MAX_TENANTS = 100

export class GatewayMetrics implements Metrics {
  readonly #calls = new Family(
    ['upstream', 'method', 'tool', 'era', 'tenant', 'outcome'],
    () => new Counter(),
    MAX_COUNTERS,
  )
  readonly #durations = new Family(
    ['upstream', 'mcp_method_name', 'gen_ai_tool_name', 'error_type'],
    () => new Histogram(SECONDS),
    MAX_HISTOGRAMS,
  )
  readonly #refusals = new Family(['code'], () => new Counter(), MAX_COUNTERS)
  readonly #records = new Family(['kind'], () => new Counter(), MAX_COUNTERS)
  readonly #commitSeconds = new Histogram(COMMIT_SECONDS)
  readonly #commitRecords = new Histogram(COMMIT_RECORDS)
  readonly #lost = new Counter()
  readonly #tenants = new Set<string>()

  ended({ upstream, method, tool, era, tenant, outcome, seconds }: Ended): void {
    if (!ANSWERS.has(outcome)) this.#refusals.of(outcome).add()
    if (method === '') return
    this.#calls.of(upstream, method, tool, era, this.#tenantName(tenant), outcome).add()
    this.#durations.of(upstream, method, tool, outcome === 'ok' ? '' : outcome).observe(seconds)
  }

  recorded(kind: string, seconds: number): void {
    this.#records.of(kind).add()
    this.#commitSeconds.observe(seconds)
  }

  recordLost(): void {
    this.#lost.add()
  }

  committed(records: number): void {
    this.#commitRecords.observe(records)
  }

  /** All of it, for a scrape. */
  get readings(): readonly Reading[] {
    return [
      counted('portcullis_calls_total', 'Messages that were answered, by how.', this.#calls),
      {
        name: 'mcp_server_operation_duration_seconds',
        help: 'Time from the arrival of a message to its answer (mcp.server.operation.duration of OpenTelemetry).',
        type: 'histogram',
        values: this.#durations.entries.map(({ labels, cell }) => ({ labels, value: cell })),
      },
      counted('portcullis_refusals_total', 'Requests that ended with a fault, by its code.', this.#refusals),
      counted('portcullis_audit_records_total', 'Records that became durable, by kind.', this.#records),
      one('portcullis_audit_record_seconds', 'Time until a record was durable.', 'histogram', this.#commitSeconds),
      one('portcullis_audit_commit_records', 'Records that one commit made durable.', 'histogram', this.#commitRecords),
      one('portcullis_audit_lost_total', 'Records that could not be written.', 'counter', this.#lost.value),
    ]
  }

  #tenantName(tenant: string): string {
    if (this.#tenants.has(tenant)) return tenant
    if (this.#tenants.size >= MAX_TENANTS) return OTHER
    this.#tenants.add(tenant)
    return tenant
  }
}
