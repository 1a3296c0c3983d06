/** Syslog as RFC 5424 writes it, and the octet counting by which RFC 6587 and RFC 5425 tell messages apart in a stream. */
import type { ExportEvent, Origin, Weight } from './event.ts'
import { signatureOf, weightOf } from './event.ts'
import { callOf } from './call-facts.ts'

export interface SyslogRules {
  /** RFC 5424 §6.2.1; 13 is `log audit`. */
  readonly facility: number
  /** Under which the elements of the structured data are named (RFC 5424 §7.2.2). */
  readonly enterpriseNumber: number
}

/** RFC 5424 §6.2.1. */
const SEVERITY: Readonly<Record<Weight, number>> = { info: 6, low: 5, medium: 4, high: 3, critical: 2 }
const NIL = '-'

/** One message, `text` being what the format has made of the record. It is UTF-8 without a byte order mark. */
export function syslogMessage(event: ExportEvent, text: string, origin: Origin, rules: SyslogRules): string {
  const { record } = event
  const priority = rules.facility * 8 + SEVERITY[weightOf(record)]
  const header = [
    `<${priority}>1`,
    new Date(record.at).toISOString(),
    nameText(origin.hostName, 255),
    'portcullis',
    nameText(String(origin.pid), 128),
    nameText(signatureOf(record), 32),
  ]
  return `${header.join(' ')} ${structuredData(event, rules)} ${text}`
}

/** `MSG-LEN SP SYSLOG-MSG` (RFC 5425 §4.3); the length is that of the octets. */
export const octetCounted = (message: string): string => `${Buffer.byteLength(message)} ${message}`

/** Header fields are printable US-ASCII without spaces, and never empty. */
function nameText(text: string, maxLength: number): string {
  const kept = text.replace(/[^\x21-\x7e]/g, '_').slice(0, maxLength)
  return kept === '' ? NIL : kept
}

function structuredData(event: ExportEvent, { enterpriseNumber }: SyslogRules): string {
  const { record } = event
  const { principal, upstream, target, method, address } = callOf(event)
  const incident = 'incident' in record ? record.incident : undefined
  const parameters = {
    ...{ id: event.id, tenant: record.tenant, seq: String(record.seq), kind: record.kind, hash: record.hash },
    ...{ incident, principal, upstream, method, target, address },
  }
  const told = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return `[portcullis@${enterpriseNumber} ${told.map(([name, value]) => `${name}="${parameterText(value as string)}"`).join(' ')}]`
}

/** RFC 5424 §6.3.3: these three and no others. Line ends are allowed, but many receivers end the message there. */
const parameterText = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- these are what has to go
  text.replace(/["\\\]]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, ' ')
