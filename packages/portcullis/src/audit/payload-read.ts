/** Decides how the payloads of one call are found again and opened, for the one who may read them. */
import { existsSync } from 'node:fs'
import { segmentsOf } from './lines.ts'
import type { PayloadKind, PayloadSeal } from './payload.ts'
import { markOf } from './payload-check.ts'
import { numberOf, PAYLOAD_FOLDER, payloadDigest, type PayloadLine, payloadSegmentOf } from './payload-file.ts'
import type { AuditRecord, PayloadMark } from './record.ts'
import { batchesOfLines, searchRecords } from './search.ts'

/** A payload of a call, as its record names it. */
export interface KeptPayload {
  readonly kind: PayloadKind
  readonly mark: PayloadMark
  /** Of the record that names it. */
  readonly seq: number
  readonly at: number
}

/** What can be said of a payload. `text` is JSON, or the beginning of it where it was cut. */
export interface OpenedPayload {
  readonly kind: PayloadKind
  readonly seq: number
  readonly at: number
  readonly bytes: number
  readonly cut: boolean
  /** Absent when it cannot be read. */
  readonly text?: string
  /** Why it cannot. */
  readonly problem?: 'missing' | 'changed' | 'sealed-for-ever'
}

/** The payloads that a call has; none for an unknown incident. Reads in turns. Rejects with what the file system throws. */
export async function payloadsOf(directory: string, incident: string): Promise<readonly KeptPayload[]> {
  const found: KeptPayload[] = []
  for await (const record of searchRecords(directory, { incident })) {
    const mark = markOf(record)
    if (mark !== undefined) found.push({ kind: kindOf(record), mark, seq: record.seq, at: record.at })
    if (record.kind === 'outcome') break
  }
  return found
}

/** Opens one. What is not as its record says is not shown, whatever it holds. */
export async function openPayload(
  directory: string,
  { tenant, incident }: { readonly tenant: string; readonly incident: string },
  { kind, mark, seq, at }: KeptPayload,
  seal: Pick<PayloadSeal, 'open'>,
): Promise<OpenedPayload> {
  const about = { kind, seq, at, bytes: mark.bytes, cut: mark.cut === true }
  const line = await findLine(`${directory}/${PAYLOAD_FOLDER}`, mark.n)
  if (line === undefined) return { ...about, problem: 'missing' }
  if (payloadDigest(line) !== mark.digest) return { ...about, problem: 'changed' }
  const { sealed } = JSON.parse(line.toString('utf8')) as PayloadLine
  try {
    return { ...about, text: await seal.open(sealed, { tenant, incident, kind }) }
  } catch {
    // The key was destroyed, or the line was made for another call; nobody learns which.
    return { ...about, problem: 'sealed-for-ever' }
  }
}

const kindOf = (record: AuditRecord): PayloadKind => (record.kind === 'call' ? 'arguments' : 'result')

async function findLine(folder: string, n: number): Promise<Buffer | undefined> {
  const name = existsSync(folder) ? payloadSegmentOf(segmentsOf(folder), n) : undefined
  if (name === undefined) return undefined
  for await (const lines of batchesOfLines(`${folder}/${name}`)) {
    const found = lines.find((line) => numberOf(line) === n)
    if (found !== undefined) return Buffer.from(found)
  }
  return undefined
}
