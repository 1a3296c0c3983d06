/** What a format is given: one record, how heavy it weighs, and what the outcome of a call does not say itself. */
import type { AuditRecord, CallBody, RecordedFinding } from '../record.ts'

/** From what only a report needs to what somebody should be woken for. */
export type Weight = 'info' | 'low' | 'medium' | 'high' | 'critical'

export interface ExportEvent {
  /** The same whenever the record is sent again: tenant, sequence number, and the beginning of its hash. */
  readonly id: string
  /** The record as it stands in the chain, without its newline. */
  readonly line: string
  readonly record: AuditRecord
  /** The call that an outcome ends; absent when it was too long ago. */
  readonly call?: CallBody | undefined
}

/** Makes the texts of a record: none, one, or one more for what was found. Must not throw. */
export type Format = (event: ExportEvent) => readonly string[]

/** What sends the records. */
export interface Origin {
  /** Such as `0.1.0`. */
  readonly version: string
  /** Of this machine. */
  readonly hostName: string
  readonly pid: number
}

/**
 * Tenants are names of letters, digits, dots and dashes; the colon divides. After a restore a chain gives the same number to
 * another record, which a receiver must not take for one that it has: so the hash is part of it, unless it cannot be read.
 */
export const eventId = ({
  tenant,
  seq,
  hash,
}: Pick<AuditRecord, 'tenant' | 'seq'> & { readonly hash?: string }): string =>
  hash === undefined ? `${tenant}:${seq}` : `${tenant}:${seq}:${hash.slice(0, 16)}`

/** What happened, in a stable word: the code of a fault, what was changed, or kind and event. */
export function signatureOf(record: AuditRecord): string {
  switch (record.kind) {
    case 'outcome':
      return record.code ?? `outcome.${record.outcome}`
    case 'refusal':
      return record.code
    case 'change':
      return record.what
    case 'access':
      return `access.${signatureOfAccess(record.access)}`
    case 'process':
    case 'approval':
      return `${record.kind}.${record.event}`
    case 'alert':
      return `alert.${record.reasons[0]?.reason ?? record.level}`
    case 'call':
    case 'accesses':
    case 'start':
    case 'stop':
    case 'checkpoint':
    case 'key':
    case 'recovered':
      return record.kind
  }
}

type Access = Extract<AuditRecord, { kind: 'access' }>['access']

function signatureOfAccess(access: Access): string {
  if (access.kind === 'egress') return access.allowed ? 'egress' : 'egress-refused'
  return access.kind === 'file' ? `file-${access.change}` : 'refused'
}

/** One sentence for people. Names in it are as somebody else wrote them. */
export function titleOf({ record, call }: Pick<ExportEvent, 'record' | 'call'>): string {
  const told = record.kind === 'outcome' ? call : record
  const target = told !== undefined && 'target' in told ? nameOfTarget(told.target) : undefined
  const method = told !== undefined && 'method' in told ? told.method : undefined
  const upstream = told !== undefined && 'upstream' in told ? told.upstream : undefined
  return [signatureOf(record), method, target, upstream === undefined ? undefined : `at ${upstream}`]
    .filter((word) => word !== undefined && word !== '')
    .join(' ')
}

export const nameOfTarget = (target: CallBody['target']): string | undefined =>
  target === undefined || target.kind === 'none' ? undefined : target.name

export function findingsOf(record: AuditRecord): readonly RecordedFinding[] {
  return 'findings' in record && record.findings !== undefined ? record.findings : []
}

export function weightOf(record: AuditRecord): Weight {
  const own = ownWeight(record)
  return findingsOf(record).reduce((worst, finding) => heavier(worst, weightOfFinding(finding)), own)
}

/** What was only noted weighs less than what was stopped. */
export function weightOfFinding({ weight, verdict }: RecordedFinding): Weight {
  if (verdict === 'annotate') return weight === 'breach' ? 'medium' : 'low'
  return weight === 'breach' || weight === 'strong' ? 'high' : 'medium'
}

const ORDER: readonly Weight[] = ['info', 'low', 'medium', 'high', 'critical']

const heavier = (one: Weight, other: Weight): Weight => (ORDER.indexOf(one) >= ORDER.indexOf(other) ? one : other)

function ownWeight(record: AuditRecord): Weight {
  switch (record.kind) {
    case 'refusal':
      return /^(?:policy|inspection|definition)\./.test(record.code) ? 'medium' : 'low'
    case 'outcome':
      if (record.outcome === 'refused') return 'medium'
      return record.outcome === 'failed' ? 'low' : 'info'
    case 'access':
      return record.access.kind === 'refused' || (record.access.kind === 'egress' && !record.access.allowed)
        ? 'medium'
        : 'info'
    case 'recovered':
      return 'high'
    case 'key':
      return record.lost === true ? 'high' : 'low'
    case 'alert':
      return ORDER.find((weight) => weight === record.level) ?? 'medium'
    case 'call':
    case 'change':
    case 'accesses':
    case 'process':
    case 'approval':
    case 'start':
    case 'stop':
    case 'checkpoint':
      return 'info'
  }
}
