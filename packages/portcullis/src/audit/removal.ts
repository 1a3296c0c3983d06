/** What a chain says of its own beginning that was removed, and how whoever verifies it finds that again. */
import { linesBackward, segmentsOf } from './lines.ts'
import type { AuditRecord, ChangeBody, Position } from './record.ts'

/** `what` of the record. */
export const SEGMENT_REMOVED = 'audit.segment-removed'

/** Of a segment that is about to be removed. */
export interface Removal {
  /** Name of its file. */
  readonly segment: string
  /** Its last record: where the chain begins once it is gone. */
  readonly from: Position
  readonly reason: 'age' | 'size'
}

/** The record that stands in the chain, under a signature, before the segment goes. */
export const removalBody = ({ segment, from, reason }: Removal): ChangeBody => ({
  kind: 'change',
  what: SEGMENT_REMOVED,
  by: 'retention',
  detail: { segment, from, reason },
})

/** Where the chain begins by the word of this record; undefined for any other record. */
export function removedTo(record: AuditRecord): Position | undefined {
  if (record.kind !== 'change' || record.what !== SEGMENT_REMOVED) return undefined
  const { from } = (record.detail ?? {}) as { readonly from?: Partial<Position> }
  const isPosition = typeof from?.sequence === 'number' && typeof from.hash === 'string'
  return isPosition ? (from as Position) : undefined
}

/** The position before the first record that is there, by its own word; undefined for a chain that has none. */
export function claimedBeginning(firstLine: Buffer): Position | undefined {
  const head = /^\{"seq":([1-9]\d{0,14}),"prev":"([0-9a-f]{64})",/.exec(firstLine.toString('latin1', 0, 128))
  return head === null ? undefined : { sequence: Number(head[1]) - 1, hash: head[2] as string }
}

/** The last whole record of a segment; undefined when it has none. */
export function lastRecord(path: string): AuditRecord | undefined {
  for (const { bytes, complete } of linesBackward(path)) {
    if (complete) return JSON.parse(bytes.toString('utf8')) as AuditRecord
  }
  return undefined
}

/** Sequence number of the last checkpoint: it signs all records before it. 0 when there is none. */
export function lastCheckpoint(directory: string): number {
  for (const name of segmentsOf(directory).toReversed()) {
    for (const { bytes, complete } of linesBackward(`${directory}/${name}`)) {
      const isOne = complete && bytes.includes(',"kind":"checkpoint",')
      const record = isOne ? (JSON.parse(bytes.toString('utf8')) as AuditRecord) : undefined
      if (record?.kind === 'checkpoint') return record.seq
    }
  }
  return 0
}
