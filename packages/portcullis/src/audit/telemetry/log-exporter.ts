/** Decides what of the gateway's own log a collector gets: each entry from a level on, as it stands in the log, without secrets. */
import { type LogRecordWeight, logRecord, logsRequest } from '../export/otlp-record.ts'
import { scrub, scrubText } from '../scrub.ts'
import { Batches, type BatchOptions } from './batches.ts'
import type { LogEntry, LogSeverity } from './log-tap.ts'
import { resourceJson, type Resource } from './resource.ts'

export interface LogExporterOptions extends Omit<BatchOptions, 'signal' | 'requestOf'> {
  readonly resource: Resource
  /** Less than this is not sent. */
  readonly level: LogSeverity
}

const RANK: Readonly<Record<LogSeverity, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
const WEIGHT: Readonly<Record<LogSeverity, LogRecordWeight>> = {
  debug: [5, 'DEBUG'],
  info: [9, 'INFO'],
  warn: [13, 'WARN'],
  error: [17, 'ERROR'],
}
/** Of what is told of one entry. */
const MAX_FACTS_LENGTH = 16_384

export class LogExporter {
  readonly #least: number
  readonly #batches: Batches

  constructor({ resource, level, ...options }: LogExporterOptions) {
    this.#least = RANK[level]
    const about = resourceJson(resource)
    const scope = { name: 'portcullis.log', version: resource.version }
    this.#batches = new Batches({
      ...options,
      signal: 'logs',
      requestOf: (records) => logsRequest(records, about, scope),
    })
  }

  /** Never throws and never waits. */
  readonly add = (entry: LogEntry): void => {
    if (RANK[entry.severity] >= this.#least) this.#batches.add(() => recordOf(entry))
  }

  /** Sends what waits, for a short time; the rest is lost. */
  close(): Promise<void> {
    return this.#batches.close()
  }
}

function recordOf({ severity, message, facts, atMs }: LogEntry): string {
  const text = JSON.stringify(scrub(facts)) ?? '{}'
  return logRecord({
    atMs,
    weight: WEIGHT[severity],
    eventName: 'portcullis.log',
    text: scrubText(message),
    attributes: { 'portcullis.facts': text === '{}' ? undefined : text.slice(0, MAX_FACTS_LENGTH) },
  })
}
