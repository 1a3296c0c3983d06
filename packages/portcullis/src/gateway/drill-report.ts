/** Decides what is left of a drill: a signed statement of what was tried and what came of it, for machines and for people. */
import { canonicalJson } from '../mcp/canonical.ts'

export interface DrillCheck {
  readonly name: string
  /** `skipped`: it could not be tried here; that is no failure. */
  readonly result: 'passed' | 'failed' | 'skipped'
  readonly says: string
  readonly durationMs: number
}

export interface DrillReport {
  readonly format: 'portcullis-drill-1'
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly program: string
  readonly passed: boolean
  readonly backup: {
    readonly id: string
    readonly madeAt: number
    /** SHA-256 of its manifest. */
    readonly manifest: string
    /** Id of the key that has signed it. */
    readonly key: string
    /** The backups that it continues. */
    readonly continues: readonly string[]
  }
  readonly checks: readonly DrillCheck[]
}

export interface SignedReport {
  readonly report: DrillReport
  /** Id of the key that signs the report; absent where there was none. */
  readonly key?: string
  /** Ed25519, base64url, over the text `portcullis-drill-v1`, a newline, and the canonical JSON of `report`. */
  readonly signature?: string
}

const CONTEXT = 'portcullis-drill-v1\n'

export const drillBytes = (report: DrillReport): Buffer => Buffer.from(CONTEXT + canonicalJson(report))

/** Lines to read. */
export function drillText({ report, key }: SignedReport): readonly string[] {
  const { backup, checks, at, passed, program } = report
  const iso = (time: number) => new Date(time).toISOString()
  return [
    `Restore drill of ${iso(at)} by ${program}: ${passed ? 'PASSED' : 'FAILED'}`,
    `Backup ${backup.id} of ${iso(backup.madeAt)}, manifest ${backup.manifest}, signed with the key ${backup.key}`,
    ...(backup.continues.length > 0 ? [`It continues ${backup.continues.join(', ')}`] : []),
    '',
    ...checks.map(
      ({ name, result, says, durationMs }) => `${result.toUpperCase().padEnd(8)} ${name}: ${says} (${durationMs} ms)`,
    ),
    '',
    key === undefined
      ? 'This report is not signed: the key of the audit chains is not here.'
      : `This report is signed with the key ${key}.`,
  ]
}
