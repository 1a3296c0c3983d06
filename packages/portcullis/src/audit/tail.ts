import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseLine } from './line.ts'
import { linesBackward, linesForward, segmentsOf } from './lines.ts'
import type { Target } from '../mcp/call.ts'
import type { AuditRecord, OutcomeBody } from './record.ts'

/**
 * Reads records for people: the last ones, or new ones as they come. It does not verify; `verifyChain` does.
 *
 * An outcome names only its incident, so it is shown when the call of that incident is.
 */
export interface TailFilter {
  readonly incident?: string
  readonly principal?: string
  /** Name of the tool, prompt, resource or task. */
  readonly target?: string
  readonly upstream?: string
  /** Of the fault table. */
  readonly code?: string
  /** How a call ended. */
  readonly outcome?: OutcomeBody['outcome']
  readonly kind?: AuditRecord['kind']
  /** Milliseconds since the epoch: not before, and before. */
  readonly from?: number
  readonly to?: number
}

/** Every kind of record; the compiler says when one is missing. */
export const RECORD_KINDS = Object.keys({
  ...{ call: 0, outcome: 0, refusal: 0, approval: 0, change: 0, alert: 0 },
  ...{ access: 0, accesses: 0, process: 0, start: 0, stop: 0, checkpoint: 0, key: 0, recovered: 0 },
} satisfies Readonly<Record<AuditRecord['kind'], 0>>) as readonly AuditRecord['kind'][]

export const OUTCOMES: readonly OutcomeBody['outcome'][] = ['answered', 'failed', 'refused', 'cancelled']

/** The last `count` records that the filter lets through, oldest first. Throws what the file system throws. */
export function readLast(directory: string, count: number, filter: TailFilter = {}): readonly AuditRecord[] {
  const found: AuditRecord[] = []
  const outcomes = new Map<string, AuditRecord>()
  for (const record of recordsBackward(directory)) {
    if (found.length >= count) break
    if (record.kind === 'outcome' && needsCall(filter)) outcomes.set(record.incident, record)
    if (!matches(record, filter)) continue
    const outcome = record.kind === 'call' ? outcomes.get(record.incident) : undefined
    if (outcome && passesKind(outcome, filter)) found.push(outcome)
    if (passesKind(record, filter)) found.push(record)
  }
  return found.sort((a, b) => a.seq - b.seq).slice(-count)
}

export interface FollowOptions {
  readonly filter?: TailFilter
  readonly pollMs: number
  readonly signal: AbortSignal
}

/** Records that are appended from now on, until `signal` fires. */
export async function* follow(
  directory: string,
  { filter = {}, pollMs, signal }: FollowOptions,
): AsyncGenerator<AuditRecord> {
  const open = new Set<string>()
  let file = segmentsOf(directory).at(-1)
  let offset = file === undefined ? 0 : wholeLines(`${directory}/${file}`)
  while (!signal.aborted) {
    // The list is taken before the file is read: once a later segment exists, this one grows no more.
    const later = segmentsOf(directory).find((name) => file === undefined || name > file)
    for (const line of file === undefined ? [] : linesForward(`${directory}/${file}`, offset)) {
      if (!line.complete) break
      offset = line.offset + line.bytes.length + 1
      const record = parseLine(line.bytes)
      if (typeof record !== 'string' && concerns(record, filter, open)) yield record
    }
    if (later !== undefined) {
      file = later
      offset = 0
    } else await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function* recordsBackward(directory: string): Generator<AuditRecord> {
  for (const name of segmentsOf(directory).toReversed()) {
    for (const line of linesBackward(`${directory}/${name}`)) {
      const record = line.complete ? parseLine(line.bytes) : ''
      if (typeof record !== 'string') yield record
    }
  }
}

const wholeLines = (path: string): number => {
  for (const { complete, offset } of linesBackward(path)) return complete ? statSync(path).size : offset
  return 0
}

/** Going forwards, the call comes first and opens the way for its outcome. */
function concerns(record: AuditRecord, filter: TailFilter, open: Set<string>): boolean {
  if (record.kind === 'outcome' && open.delete(record.incident)) return passesKind(record, filter)
  if (!matches(record, filter)) return false
  if (record.kind === 'call' && needsCall(filter)) open.add(record.incident)
  return passesKind(record, filter)
}

const needsCall = ({ principal, target, upstream }: TailFilter): boolean =>
  principal !== undefined || target !== undefined || upstream !== undefined

/** Whether a record is of the kind and of the time that the filter names. */
export const passesKind = (record: AuditRecord, { kind, from = -Infinity, to = Infinity }: TailFilter): boolean =>
  (kind === undefined || record.kind === kind) && record.at >= from && record.at < to

/** Whether a record is about what the filter names, its kind and time aside. */
export function matches(record: AuditRecord, filter: TailFilter): boolean {
  const { incident, principal, target, upstream, code, outcome } = filter
  if (incident !== undefined && !('incident' in record && record.incident === incident)) return false
  if (principal !== undefined && !('principal' in record && record.principal === principal)) return false
  if (upstream !== undefined && !('upstream' in record && record.upstream === upstream)) return false
  if (code !== undefined && !('code' in record && record.code === code)) return false
  if (outcome !== undefined && !(record.kind === 'outcome' && record.outcome === outcome)) return false
  return target === undefined || ('target' in record && targetName(record) === target)
}

function targetName({ target }: { readonly target?: Target }): string | undefined {
  return target === undefined || target.kind === 'none' ? undefined : target.name
}
