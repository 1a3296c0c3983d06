/** The Common Event Format, version 0: a header between bars, then keys with values. */
import type { Call } from './call-facts.ts'
import { callOf } from './call-facts.ts'
import type { ExportEvent, Format, Origin, Weight } from './event.ts'
import { findingsOf, signatureOf, titleOf, weightOf } from './event.ts'

const SEVERITY: Readonly<Record<Weight, number>> = { info: 1, low: 3, medium: 5, high: 8, critical: 10 }

type Fields = Readonly<Record<string, string | number | undefined>>

export function cefFormat({ version, hostName }: Origin): Format {
  return (event) => {
    const { record } = event
    const header = ['Portcullis', 'Portcullis', version, signatureOf(record), titleOf(event)].map(headerText).join('|')
    const fields: Fields = {
      rt: record.at,
      dvchost: hostName,
      externalId: event.id,
      cat: record.kind,
      deviceExternalId: record.tenant,
      ...callFields(callOf(event)),
      ...ownFields(record),
      ...findingFields(event),
      ...labelled({ hash: record.hash }, 6),
    }
    const extension = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${valueText(String(value))}`)
      .join(' ')
    return [`CEF:0|${header}|${SEVERITY[weightOf(record)]}|${extension}`]
  }
}

/** A bar would begin the next field, and a line end the next event; a header has no form for the latter. */
const headerText = (text: string): string => plainText(text.replace(/[\r\n]+/g, ' ')).replace(/[\\|]/g, '\\$&')

/** An equals sign would make a key of what stands before it. */
const valueText = (text: string): string =>
  plainText(text.replace(/[\\=]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r'))

/** Some receivers end a line at others than these two, and a terminal obeys the rest. */
// oxlint-disable-next-line no-control-regex -- these are what has to go
const plainText = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')

function callFields({ principal, credential, address, upstream, method, target, policies }: Call): Fields {
  return {
    suser: principal,
    src: address,
    destinationServiceName: upstream,
    requestMethod: method,
    ...(target !== undefined && labelled({ target }, 1)),
    ...(credential !== undefined && labelled({ credential: `${credential.kind} ${credential.id}` }, 2)),
    ...(policies !== undefined && policies.length > 0 && labelled({ policies: policies.join(',') }, 3)),
  }
}

function ownFields(record: ExportEvent['record']): Fields {
  const incident =
    'incident' in record && record.incident !== undefined ? labelled({ incident: record.incident }, 4) : {}
  switch (record.kind) {
    case 'outcome':
      return {
        ...incident,
        outcome: record.outcome,
        reason: record.code,
        cn1: record.durationMs,
        cn1Label: 'durationMs',
      }
    case 'refusal':
      return { ...incident, outcome: 'refused', reason: record.code, request: record.http.path }
    case 'change':
      return { act: record.what, suser: record.by }
    case 'access':
      return { ...incident, dvcpid: record.pid, ...accessFields(record.access) }
    case 'process':
      return { act: record.event, dvcpid: record.pid, reason: record.reason }
    case 'alert':
      return {
        ...incident,
        suser: record.principal,
        duser: record.subject.name,
        act: record.answer,
        cnt: record.count,
        cn2: record.score,
        cn2Label: 'score',
      }
    case 'approval':
      return { ...incident, act: record.event, outcome: record.answer }
    case 'call':
    case 'accesses':
    case 'start':
    case 'stop':
    case 'checkpoint':
    case 'key':
    case 'recovered':
      return incident
  }
}

function accessFields(access: Extract<ExportEvent['record'], { kind: 'access' }>['access']): Fields {
  if (access.kind === 'egress') {
    const { host, port, protocol, address, allowed, reason, sentBytes, receivedBytes } = access
    const sizes = { out: sentBytes, in: receivedBytes }
    return {
      act: allowed ? 'reached' : 'refused',
      dhost: host,
      dpt: port,
      app: protocol,
      dst: address,
      reason,
      ...sizes,
    }
  }
  if (access.kind === 'file') {
    return { act: access.change, filePath: access.path, fsize: access.bytes, fileHash: access.digest }
  }
  return { act: 'refused', reason: access.wall, msg: access.what }
}

function findingFields({ record }: ExportEvent): Fields {
  const findings = findingsOf(record)
  if (findings.length === 0) return {}
  const told = findings.map(({ at, reason, verdict }) => `${at} ${reason} ${verdict}`)
  return { cnt: findings.length, ...labelled({ findings: told.join('; ') }, 5) }
}

/** One of the strings that CEF leaves to the sender, with its name. */
function labelled(named: Readonly<Record<string, string>>, number: 1 | 2 | 3 | 4 | 5 | 6): Fields {
  const [[label, value] = ['', '']] = Object.entries(named)
  return { [`cs${number}`]: value, [`cs${number}Label`]: label }
}
