import type { KeyObject } from 'node:crypto'
import { verifyCheckpoint } from './checkpoint.ts'
import { openLine } from './line.ts'
import { linesForward, segmentsOf } from './lines.ts'
import { GENESIS, type AuditRecord, type Position } from './record.ts'
import { segmentName } from './segment.ts'

/**
 * Checks a chain offline, from its files and public keys alone, and reports the first thing that is wrong.
 *
 * Hashes show that nothing was changed by accident or without skill; only signatures show that nobody rewrote the chain,
 * and only a position noted elsewhere (`known`) shows that its end is still there.
 */
export interface VerifyOptions {
  readonly directory: string
  /** Public keys by their id. */
  readonly keys: ReadonlyMap<string, KeyObject>
  /** A position that was noted outside; the chain has to contain it. */
  readonly known?: Position
  /** Where the chain begins when older segments have been removed under a retention rule. */
  readonly from?: Position
  /** `growing` allows an unfinished last line, which a running gateway may be writing just now. */
  readonly state?: 'at-rest' | 'growing'
}

export type Verdict = SoundChain | BrokenChain

export interface SoundChain {
  readonly sound: true
  readonly tenant: string
  readonly records: number
  readonly checkpoints: number
  /** The last record, and the last one that a signature covers (0 when there is no checkpoint). */
  readonly last: Position
  readonly signedSequence: number
}

export interface BrokenChain {
  readonly sound: false
  readonly problem: string
  readonly file?: string
  /** Counts from 1. */
  readonly line?: number
}

/** Never throws for what the files contain, only for what the file system says. */
export function verifyChain(options: VerifyOptions): Verdict {
  const { directory, known, from = GENESIS } = options
  const segments = segmentsOf(directory)
  const walk: Walk = {
    position: from,
    tenant: undefined,
    records: 0,
    checkpoints: 0,
    signed: 0,
    knownSeen: known === undefined,
  }
  if (known?.sequence === from.sequence) walk.knownSeen = known.hash === from.hash
  for (const file of segments) {
    const broken = verifySegment(options, file, file === segments.at(-1), walk)
    if (broken) return { sound: false, file, ...broken }
  }
  if (!walk.knownSeen) {
    return {
      sound: false,
      problem: `the chain ends at record ${walk.position.sequence} and lacks the known record ${known?.sequence}`,
    }
  }
  if (walk.tenant === undefined) return { sound: false, problem: 'there are no records' }
  const { tenant, records, checkpoints, position: last, signed: signedSequence } = walk
  return { sound: true, tenant, records, checkpoints, last, signedSequence }
}

interface Walk {
  position: Position
  tenant: string | undefined
  records: number
  checkpoints: number
  signed: number
  knownSeen: boolean
}

type Finding = { readonly problem: string; readonly line?: number }

function verifySegment(options: VerifyOptions, file: string, isLast: boolean, walk: Walk): Finding | undefined {
  const next = segmentName(walk.position.sequence + 1)
  if (file !== next) return { problem: `the segment ${next} is missing` }
  let line = 0
  for (const { bytes, complete } of linesForward(`${options.directory}/${file}`)) {
    line++
    if (!complete && isLast && options.state === 'growing') return undefined
    const problem = complete ? verifyLine(options, bytes, walk) : 'the last line is not complete'
    if (problem !== undefined) return { problem, line }
  }
  return line === 0 && !isLast ? { problem: 'the segment is empty' } : undefined
}

function verifyLine({ keys, known }: VerifyOptions, bytes: Buffer, walk: Walk): string | undefined {
  const record = openLine(bytes, walk.position)
  if (typeof record === 'string') return record
  walk.tenant ??= record.tenant
  if (record.tenant !== walk.tenant) return 'the record belongs to another tenant'
  const problem = record.kind === 'checkpoint' ? verifySignature(record, walk, keys) : undefined
  if (problem !== undefined) return problem
  walk.position = { sequence: record.seq, hash: record.hash }
  walk.records++
  if (known?.sequence === record.seq) {
    if (known.hash !== record.hash) return 'the record is not the one that is known'
    walk.knownSeen = true
  }
  return undefined
}

type CheckpointRecord = Extract<AuditRecord, { kind: 'checkpoint' }>

function verifySignature(
  record: CheckpointRecord,
  walk: Walk,
  keys: ReadonlyMap<string, KeyObject>,
): string | undefined {
  const { tenant, at, key, signature } = record
  const publicKey = keys.get(key)
  if (publicKey === undefined) return `the checkpoint is signed with the unknown key ${key}`
  const statement = { tenant, ...walk.position, at, key }
  if (typeof signature !== 'string' || !verifyCheckpoint(statement, signature, publicKey)) {
    return 'the signature of the checkpoint is not valid'
  }
  walk.checkpoints++
  walk.signed = walk.position.sequence
  return undefined
}
