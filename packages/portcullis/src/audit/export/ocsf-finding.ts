/** Decides how what an inspection found, and what was unusual, are told in OCSF: as Detection Findings. */
import type { AuditRecord, RecordedFinding } from '../record.ts'
import { callOf } from './call-facts.ts'
import { eventId, type ExportEvent } from './event.ts'
import type { OcsfClass } from './ocsf-class.ts'
import { actorOf } from './ocsf-activity.ts'

const DETECTION_FINDING = 2004
/** `New`: nobody has looked at it yet. */
const NEW = { status_id: 1, status: 'New' } as const

/** All that was found in one message is one finding with several evidences. */
export function findingClass(event: ExportEvent, findings: readonly RecordedFinding[]): OcsfClass {
  const { record } = event
  const { address, target, principal, credential } = callOf(event)
  const reasons = [...new Set(findings.map(({ reason }) => reason))]
  return {
    uid: DETECTION_FINDING,
    activity: 1,
    activityName: 'Create',
    members: {
      ...NEW,
      finding_info: {
        uid: `${event.id}:findings`,
        title: reasons.join(', '),
        types: reasons,
        created_time: record.at,
        analytic: { name: 'inspection', type_id: 1, type: 'Rule' },
      },
      evidences: findings.map((finding) => ({
        data: finding,
        actor: actorOf(principal, credential),
        ...(address !== undefined && { src_endpoint: { ip: address } }),
      })),
      ...(target !== undefined && { resources: [{ name: target }] }),
      is_alert: findings.some(({ verdict }) => verdict !== 'annotate'),
    },
  }
}

/** Somebody or something behaved as it never did. */
export function alertClass(record: Extract<AuditRecord, { kind: 'alert' }>, title: string): OcsfClass {
  const { at, level, score, subject, reasons, answer, count, principal, incident, untilMs } = record
  const analytic = { name: 'anomalies', type_id: 2, type: 'Behavioral' }
  const types = reasons.map(({ reason }) => reason)
  const data = { level, score, subject, reasons, answer, count, ...(untilMs !== undefined && { untilMs }) }
  return {
    uid: DETECTION_FINDING,
    activity: 1,
    activityName: 'Create',
    members: {
      ...NEW,
      finding_info: {
        uid: eventId(record),
        title,
        types,
        created_time: at,
        analytic,
        ...(incident !== undefined && { related_events: [{ uid: incident }] }),
      },
      evidences: [{ data, actor: actorOf(principal, undefined) }],
      resources: [{ name: subject.name, type: subject.kind }],
      risk_score: Math.round(score),
      confidence_score: Math.round(score),
      is_alert: true,
    },
  }
}
