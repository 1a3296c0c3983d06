/** Log records of OpenTelemetry in the JSON of OTLP 1.x: names in camel case, numbers of 64 bits as strings. */
import { callOf } from './call-facts.ts'
import { type ExportEvent, type Origin, signatureOf, type Weight, weightOf } from './event.ts'

/** `SeverityNumber`: INFO, INFO2, WARN, ERROR, FATAL. */
const SEVERITY: Readonly<Record<Weight, readonly [number, string]>> = {
  info: [9, 'INFO'],
  low: [10, 'INFO2'],
  medium: [13, 'WARN'],
  high: [17, 'ERROR'],
  critical: [21, 'FATAL'],
}

/** One log record, `text` being what the format has made of the audit record. */
export function otlpRecord(event: ExportEvent, text: string): string {
  const { record } = event
  const { principal, upstream, method, target, address } = callOf(event)
  const [severityNumber, severityText] = SEVERITY[weightOf(record)]
  return logRecord({
    atMs: record.at,
    weight: [severityNumber, severityText],
    eventName: `portcullis.audit.${record.kind}`,
    text,
    attributes: {
      'portcullis.record.id': event.id,
      'portcullis.record.hash': record.hash,
      'portcullis.tenant': record.tenant,
      'portcullis.signature': signatureOf(record),
      'portcullis.incident': 'incident' in record ? record.incident : undefined,
      'portcullis.upstream': upstream,
      'mcp.method.name': method,
      'gen_ai.tool.name': record.kind !== 'approval' && method === 'tools/call' ? target : undefined,
      'user.id': principal,
      'client.address': address,
    },
  })
}

/** `SeverityNumber` and its word. */
export type LogRecordWeight = readonly [number, string]

/** What any log record is made of. Attributes that are undefined are left out. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly weight: LogRecordWeight
  readonly eventName: string
  readonly text: string
  readonly attributes: Readonly<Record<string, string | number | undefined>>
}

export function logRecord({
  atMs,
  weight: [severityNumber, severityText],
  eventName,
  text,
  attributes,
}: LogRecord): string {
  const nanos = `${atMs}000000`
  return JSON.stringify({
    timeUnixNano: nanos,
    observedTimeUnixNano: nanos,
    severityNumber,
    severityText,
    eventName,
    body: { stringValue: text },
    attributes: attributesOf(attributes),
  })
}

/** The body of `ExportLogsServiceRequest` around log records that are JSON already. */
export function otlpRequest(records: readonly string[], { version, hostName, pid }: Origin): string {
  const resource = attributesOf({
    'service.name': 'portcullis',
    'service.version': version,
    'host.name': hostName,
    'process.pid': pid,
  })
  return logsRequest(records, JSON.stringify({ attributes: resource }), { name: 'portcullis.audit', version })
}

/** The same for any resource, which is JSON already. */
export function logsRequest(
  records: readonly string[],
  resource: string,
  scope: { readonly name: string; readonly version: string },
): string {
  return `{"resourceLogs":[{"resource":${resource},"scopeLogs":[{"scope":${JSON.stringify(scope)},"logRecords":[${records.join(',')}]}]}]}`
}

/** Of a collector that took some only (OTLP "Partial Success"); 0 when it took all. */
export function rejectedRecords(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as { readonly partialSuccess?: { rejectedLogRecords?: unknown } }
    return Number(partialSuccess?.rejectedLogRecords ?? 0) || 0
  } catch {
    // Collectors may answer with nothing, or in protobuf.
    return 0
  }
}

function attributesOf(values: Readonly<Record<string, string | number | undefined>>): readonly object[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
    }))
}
