/** Decides how a chain is read in pages, from its end backwards, so that one page never holds up the calls of others for long. */
import { existsSync } from 'node:fs'
import { parseLine } from './line.ts'
import { linesBackward, segmentsOf } from './lines.ts'
import type { AuditRecord } from './record.ts'
import { matches, passesKind, type TailFilter } from './tail.ts'

export interface PageRequest {
  readonly filter: TailFilter
  readonly limit: number
  /** What the page before gave as `next`. */
  readonly cursor?: string
  /** Lines to look at, whether they match or not. */
  readonly maxLines: number
  /** The only ones to look at; all of the chain when absent. */
  readonly segments?: readonly string[]
}

export interface RecordPage {
  /** The newest first. */
  readonly records: readonly AuditRecord[]
  /** Where to go on; absent at the beginning of the chain. A page may have a `next` and no records. */
  readonly next?: string
}

const CURSOR = /^(\d{15})-(\d{1,15})$/

/** Whether the text has the form of a cursor. */
export const isRecordCursor = (text: string): boolean => CURSOR.test(text)

/** An unknown folder has no records. Throws what the file system throws. */
export function readPage(directory: string, request: PageRequest): RecordPage {
  const { filter, limit, cursor, maxLines } = request
  if (!existsSync(directory)) return { records: [] }
  const [, segment, offset] = (cursor === undefined ? null : CURSOR.exec(cursor)) ?? []
  const names = (request.segments ?? segmentsOf(directory)).filter(
    (name) => segment === undefined || name <= `${segment}.jsonl`,
  )
  const records: AuditRecord[] = []
  let seen = 0
  for (const name of names.toReversed()) {
    const before = name === `${segment}.jsonl` ? Number(offset) : undefined
    for (const line of linesBackward(`${directory}/${name}`, before)) {
      const record = line.complete ? parseLine(line.bytes) : ''
      if (typeof record !== 'string' && matches(record, filter) && passesKind(record, filter)) records.push(record)
      seen++
      const isFirst = line.offset === 0 && name === names[0]
      if ((records.length === limit || seen >= maxLines) && !isFirst)
        return { records, next: `${name.slice(0, 15)}-${line.offset}` }
    }
  }
  return { records }
}
