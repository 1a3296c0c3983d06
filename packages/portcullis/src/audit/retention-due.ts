/** Decides which segments of a chain are old enough, or too much: whole files, the oldest first, without a gap. */
import { existsSync, statSync } from 'node:fs'
import { parseLine } from './line.ts'
import { linesBackward, linesForward, segmentsOf } from './lines.ts'
import { PAYLOAD_FOLDER } from './payload-file.ts'
import { payloadFilesOf } from './payload-trim.ts'
import { lastRecord, type Removal } from './removal.ts'
import { firstTimes } from './search.ts'

const DAY_MS = 86_400_000

/** How long records are kept. Without a member nothing goes for that reason. */
export interface RetentionRule {
  /** Segments whose last record is older go. */
  readonly days?: number
  /** The oldest go while chain and payloads together are larger. The segment that is written to stays. */
  readonly maxBytes?: number
}

/** One file of a chain. Times are milliseconds since the epoch; Infinity where they cannot be told. */
export interface Segment {
  readonly name: string
  readonly bytes: number
  readonly firstAt: number
  readonly lastAt: number
}

/** A file that is to go, and why. */
export interface Due {
  readonly name: string
  readonly reason: Removal['reason']
}

/** The oldest segments that are to go, without a gap. `extra` are bytes that count beside them. */
export function dueOf(
  segments: readonly Segment[],
  { days, maxBytes }: RetentionRule,
  now: number,
  extra: number,
): Due[] {
  const due: Due[] = []
  let total = segments.reduce((sum, { bytes }) => sum + bytes, extra)
  for (const [index, { name, bytes, lastAt }] of segments.entries()) {
    const isLast = index === segments.length - 1
    const isAged = days !== undefined && now - lastAt > days * DAY_MS
    const isTooMuch = maxBytes !== undefined && total > maxBytes && !isLast
    if (!isAged && !isTooMuch) break
    due.push({ name, reason: isAged ? 'age' : 'size' })
    total -= bytes
  }
  return due
}

/**
 * The segments of the chain in this folder. The last time of one is that of the next one's first record, or the later of
 * both after a clock went back. Rejects with what the file system throws.
 */
export async function segmentsIn(chain: string): Promise<readonly Segment[]> {
  const names = segmentsOf(chain)
  const firsts = await firstTimes(chain, names)
  return names.map((name, index) => {
    const firstAt = firsts[index] ?? Infinity
    const nextAt = firsts[index + 1] ?? lastRecord(`${chain}/${name}`)?.at ?? Infinity
    return { name, bytes: statSync(`${chain}/${name}`).size, firstAt, lastAt: Math.max(firstAt, nextAt) }
  })
}

/** How long nothing had been recorded in a chain when it was opened last, in milliseconds; 0 for one that was opened once. */
export function quietBefore(chain: string): number {
  let startedAt: number | undefined
  for (const name of existsSync(chain) ? segmentsOf(chain).toReversed() : []) {
    for (const { bytes, complete } of linesBackward(`${chain}/${name}`)) {
      const record = complete ? parseLine(bytes) : ''
      if (typeof record === 'string') continue
      if (startedAt !== undefined) return Math.max(0, startedAt - record.at)
      if (record.kind === 'start') startedAt = record.at
    }
  }
  return 0
}

/** Whose chain is in this folder, by the word of its first record; undefined for one without records. */
export function tenantIn(chain: string): string | undefined {
  const [first] = segmentsOf(chain)
  if (first === undefined) return undefined
  for (const { bytes, complete } of linesForward(`${chain}/${first}`)) {
    const { tenant } = (complete ? JSON.parse(bytes.toString('utf8')) : {}) as { readonly tenant?: unknown }
    return typeof tenant === 'string' ? tenant : undefined
  }
  return undefined
}

/** What the payloads of a chain take. */
export const payloadBytes = (chain: string): number =>
  payloadFilesOf(chain).reduce((sum, name) => sum + statSync(`${chain}/${PAYLOAD_FOLDER}/${name}`).size, 0)
