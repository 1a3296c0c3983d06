/** All exporters of a gateway: what they hear, what depends on them, and what is told of them. */
import { existsSync, readdirSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import { one, type Reading } from '../metrics/reading.ts'
import { segmentsOf } from '../lines.ts'
import { type AuditRecord, GATEWAY_TENANT, GENESIS } from '../record.ts'
import { lastRecord } from '../removal.ts'
import type { SegmentGuard } from '../retention-guard.ts'
import { eventId, type Format } from './event.ts'
import type { Exporter } from './exporter.ts'
import { problemOf } from './problem.ts'
import type { Sink } from './sink.ts'

export interface ExporterEntry {
  readonly exporter: Exporter
  /** Such as `syslog`. */
  readonly sinkKind: string
  readonly formatName: string
  readonly format: Format
  /** Another one to the same receiver, for a test. */
  readonly openSink: () => Sink
  readonly deadlineMs: number
  /** With what lag calls of a tenant are refused; undefined: never. */
  readonly maxLagMs: number | undefined
  /** Whether it begins with what comes, and not with what is there. */
  readonly skipsOld: boolean
}

export interface ExporterStatus {
  readonly name: string
  readonly sink: string
  readonly format: string
  readonly required: boolean
  readonly lagRecords: number
  readonly lagSeconds: number
  /** Since the start of the gateway, as all that follow. */
  readonly delivered: number
  readonly failures: number
  readonly deadLetters: number
  readonly missing: number
  /** Why nothing could be delivered when it was tried last. */
  readonly problem?: string
}

export interface TestResult {
  readonly delivered: boolean
  readonly record: string
  readonly durationMs: number
  readonly problem?: string
}

const GRACE_MS = 2_000

export class Exporters implements SegmentGuard {
  readonly #entries: ReadonlyMap<string, ExporterEntry>
  readonly #required: readonly ExporterEntry[]
  readonly #clock: Clock

  /** `directory` holds one folder for each chain: what is there is followed from now on. Throws what the file system throws. */
  constructor(entries: readonly ExporterEntry[], directory: string, clock: Clock) {
    this.#entries = new Map(entries.map((entry) => [entry.exporter.name, entry]))
    this.#required = entries.filter(({ maxLagMs }) => maxLagMs !== undefined)
    this.#clock = clock
    for (const { tenant, seq } of lastRecordsIn(directory)) {
      for (const { exporter, skipsOld } of entries) if (skipsOld) exporter.skip(tenant, seq)
      this.hears(tenant, seq)
    }
  }

  /** A chain is durable up to this record. Must not throw. */
  hears(tenant: string, durable: number): void {
    for (const { exporter } of this.#entries.values()) exporter.hears(tenant, durable)
  }

  start(): void {
    for (const { exporter } of this.#entries.values()) exporter.start()
  }

  /** Name of a required exporter that is further behind with this tenant than is allowed. */
  behind(tenant: string): string | undefined {
    return this.#required.find(({ exporter, maxLagMs = 0 }) => exporter.lagMs(tenant) > maxLagMs)?.exporter.name
  }

  /** Whether calls of anybody are refused for it. */
  get isBehind(): boolean {
    return this.#required.some(({ exporter, maxLagMs = 0 }) => lagMsOf(exporter) > maxLagMs)
  }

  get hasRequired(): boolean {
    return this.#required.length > 0
  }

  oldestNeeded(tenant: string): number | undefined {
    const needed = [...this.#entries.values()].flatMap(({ exporter }) => {
      const backlog = exporter.backlogs.get(tenant)
      return backlog === undefined ? [] : [backlog.delivered + 1]
    })
    return needed.length === 0 ? undefined : Math.min(...needed)
  }

  get status(): readonly ExporterStatus[] {
    return [...this.#entries.values()].map(statusOf)
  }

  /** Sends one event that stands in no chain, by a connection of its own. Undefined for an unknown name. Never rejects. */
  async test(name: string, by: string): Promise<TestResult | undefined> {
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    const startedAt = this.#clock.now()
    const record = testRecord(startedAt, by)
    const problem = await sendAlone(entry, record)
    const told = { record: eventId(record), durationMs: Math.max(0, this.#clock.now() - startedAt) }
    return { delivered: problem === undefined, ...told, ...(problem !== undefined && { problem }) }
  }

  /** For a scrape. */
  get readings(): readonly Reading[] {
    const all = this.status
    const each = (name: string, help: string, type: 'gauge' | 'counter', of: (status: ExporterStatus) => number) => ({
      ...one(`portcullis_export_${name}`, help, type, 0),
      values: all.map((status) => ({ labels: { exporter: status.name }, value: of(status) })),
    })
    return [
      each('lag_records', 'Records that a receiver does not have yet.', 'gauge', ({ lagRecords }) => lagRecords),
      each('lag_seconds', 'How long the oldest of them has waited.', 'gauge', ({ lagSeconds }) => lagSeconds),
      each('failing', '1 while the last delivery has failed.', 'gauge', ({ problem }) => Number(problem !== undefined)),
      each('records_total', 'Records that a receiver has taken.', 'counter', ({ delivered }) => delivered),
      each('failures_total', 'Deliveries that have failed.', 'counter', ({ failures }) => failures),
      each('dead_letters_total', 'Records that were put aside.', 'counter', ({ deadLetters }) => deadLetters),
      each('missing_total', 'Records that were removed before.', 'counter', ({ missing }) => missing),
    ]
  }

  /** Delivers what there is for up to two seconds. The chains must be closed by then. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ exporter }) => exporter.close(GRACE_MS)))
  }
}

function statusOf({ exporter, sinkKind, formatName, maxLagMs }: ExporterEntry): ExporterStatus {
  const { name, counts, deadLetters, problem } = exporter
  return {
    ...{ name, sink: sinkKind, format: formatName, required: maxLagMs !== undefined },
    lagRecords: [...exporter.backlogs.values()].reduce((sum, { records }) => sum + records, 0),
    lagSeconds: lagMsOf(exporter) / 1_000,
    ...counts,
    deadLetters,
    ...(problem !== undefined && { problem }),
  }
}

const lagMsOf = (exporter: Exporter): number =>
  Math.max(0, ...[...exporter.backlogs.keys()].map((tenant) => exporter.lagMs(tenant)))

/** Resolves with why it failed. */
async function sendAlone(
  { format, openSink, deadlineMs }: ExporterEntry,
  record: AuditRecord,
): Promise<string | undefined> {
  const event = { id: eventId(record), line: JSON.stringify(record), record }
  const signal = AbortSignal.timeout(deadlineMs)
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
  })
  const sink = openSink()
  try {
    const sent = sink.deliver({ tenant: record.tenant, items: [{ event, texts: format(event) }] }, signal)
    sent.catch(() => undefined)
    await Promise.race([sent, late])
    return undefined
  } catch (thrown) {
    return problemOf(thrown)
  } finally {
    await sink.close().catch(() => undefined)
  }
}

/** Number 0 is that of no record, so nobody takes it for one. */
const testRecord = (at: number, by: string): AuditRecord => ({
  ...{ seq: 0, prev: GENESIS.hash, at, tenant: GATEWAY_TENANT },
  ...{ kind: 'change', what: 'exporter.test', by },
  hash: GENESIS.hash,
})

/** The last whole record of each chain: a restart must find what waits for a tenant of whom nobody hears any more. */
function lastRecordsIn(directory: string): readonly AuditRecord[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return []
    const record = lastRecordIn(`${directory}/${entry.name}`)
    return record === undefined ? [] : [record]
  })
}

/** A damaged chain is for whoever opens it to tell of; until then nothing of it is sent. */
function lastRecordIn(chain: string): AuditRecord | undefined {
  try {
    for (const name of segmentsOf(chain).toReversed()) {
      const record = lastRecord(`${chain}/${name}`)
      if (record !== undefined) return record
    }
  } catch {
    return undefined
  }
  return undefined
}
