/**
 * The Open Cybersecurity Schema Framework, version 1.5.0: decides of which class a record is.
 *
 * Facts of the classes are from the schema in github.com/ocsf/ocsf-schema (Apache-2.0). What a class has no attribute for
 * stands under `unmapped`, so nothing of a record is lost.
 */
import { type ExportEvent, findingsOf, type Format, type Origin, titleOf, type Weight, weightOf } from './event.ts'
import { activityClass, approvalClass } from './ocsf-activity.ts'
import { alertClass, findingClass } from './ocsf-finding.ts'
import { changeClass, lifecycleClass } from './ocsf-change.ts'
import type { OcsfClass } from './ocsf-class.ts'
import { accessClass, processClass } from './ocsf-sandbox.ts'

export const OCSF_VERSION = '1.5.0'

const SEVERITY: Readonly<Record<Weight, number>> = { info: 1, low: 2, medium: 3, high: 4, critical: 5 }

export function ocsfFormat(origin: Origin): Format {
  const text = (event: ExportEvent, found: OcsfClass, id: string) => JSON.stringify(eventOf(event, found, id, origin))
  return (event) => {
    const texts = [text(event, classOf(event, origin), event.id)]
    const findings = findingsOf(event.record)
    if (findings.length > 0) texts.push(text(event, findingClass(event, findings), `${event.id}:findings`))
    return texts
  }
}

function classOf(event: ExportEvent, origin: Origin): OcsfClass {
  const { record } = event
  switch (record.kind) {
    case 'call':
    case 'outcome':
    case 'refusal':
      return activityClass(event)
    case 'approval':
      return approvalClass(record)
    case 'access':
      return accessClass(record, origin)
    case 'process':
      return processClass(record, origin)
    case 'change':
      return changeClass(record)
    case 'start':
    case 'stop':
      return lifecycleClass(record.kind, origin)
    case 'alert':
      return alertClass(record, titleOf(event))
    case 'accesses':
    case 'checkpoint':
    case 'key':
    case 'recovered':
      return BASE
  }
}

/** For checkpoints, repairs and sums of accesses: no class is about them. */
const BASE: OcsfClass = { uid: 0, activity: 99, activityName: 'Other', members: {} }

function eventOf(event: ExportEvent, found: OcsfClass, id: string, origin: Origin): object {
  const { record } = event
  const { uid, activity, activityName, members, profiles } = found
  return {
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Portcullis', vendor_name: 'Portcullis', version: origin.version, uid: 'portcullis' },
      uid: id,
      sequence: record.seq,
      log_name: record.tenant,
      log_provider: origin.hostName,
      original_time: new Date(record.at).toISOString(),
      ...('incident' in record && record.incident !== undefined && { correlation_uid: record.incident }),
      ...(profiles !== undefined && { profiles }),
    },
    time: record.at,
    category_uid: Math.floor(uid / 1000),
    class_uid: uid,
    activity_id: activity,
    activity_name: activityName,
    type_uid: uid * 100 + activity,
    severity_id: SEVERITY[weightOf(record)],
    message: titleOf(event),
    ...members,
    unmapped: { kind: record.kind, tenant: record.tenant, prev: record.prev, hash: record.hash, ...unmappedOf(record) },
  }
}

const MAPPED = new Set(['seq', 'prev', 'at', 'tenant', 'kind', 'hash', 'incident'])

/** All other members, because no class has a place for each of them. */
const unmappedOf = (record: object): object =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !MAPPED.has(name)))
