import type { KeyObject } from 'node:crypto'
import type { SignedStatement } from './checkpoint.ts'
import { openLine } from './line.ts'
import { linesForward, segmentsOf } from './lines.ts'
import { GENESIS, type Position } from './record.ts'
import { PayloadCheck } from './payload-check.ts'
import { claimedBeginning, removedTo } from './removal.ts'
import { segmentName } from './segment.ts'
import { SigningKeys } from './signing-keys.ts'

/**
 * Checks a chain offline, from its files and public keys alone, and reports the first thing that is wrong.
 *
 * Hashes show that nothing was changed by accident or without skill; only signatures show that nobody rewrote the chain,
 * and only a position noted elsewhere (`known`) shows that its end is still there.
 */
export interface VerifyOptions {
  readonly directory: string
  /** Public keys by their id that are known from elsewhere; those that they have signed for are followed. */
  readonly keys: ReadonlyMap<string, KeyObject>
  /** Id of the key that is in force now: a chain that ends under one before it was rewritten, or cut, by whoever has that one. */
  readonly current?: string
  /** What witnesses saw of this chain; it has to contain all of it. */
  readonly witnessed?: readonly SignedStatement[]
  /** A position that was noted outside; the chain has to contain it. */
  readonly known?: Position
  /** Where the chain begins. Absent: where it began, or where a signed record in it says that older ones were removed. */
  readonly from?: Position
  /** `apart`: the sealed payloads that records name are not in the folder. */
  readonly payloads?: 'beside' | 'apart'
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
  /** How many of the positions that witnesses saw are in it; those in a beginning that was removed are not. */
  readonly witnessed: number
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
  const { directory, known } = options
  const segments = segmentsOf(directory)
  const claimed = options.from === undefined ? removedBeginning(directory, segments[0]) : undefined
  const from = options.from ?? claimed ?? GENESIS
  const walk: Walk = {
    position: from,
    tenant: undefined,
    records: 0,
    keys: new SigningKeys(options.keys),
    witnessed: expected(options.witnessed, from),
    knownSeen: known === undefined,
    ...(claimed && { claimed }),
    ...(options.payloads !== 'apart' && { payloads: new PayloadCheck(directory) }),
  }
  if (known?.sequence === from.sequence) walk.knownSeen = known.hash === from.hash
  // What was noted of records that a signed record has let go of cannot be asked for any more.
  if (known !== undefined && claimed !== undefined && known.sequence < claimed.sequence) walk.knownSeen = true
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
  const problem = walk.keys.end(options.current) ?? unwitnessed(options.witnessed, walk)
  if (problem !== undefined) return { sound: false, problem }
  const { signed: signedSequence, checkpoints } = walk.keys
  if (claimed !== undefined && !(walk.removedBy !== undefined && signedSequence >= walk.removedBy))
    return { sound: false, problem: `records up to ${claimed.sequence} are missing, and no signed record says so` }
  const { tenant, records, position: last, witnessed } = walk
  return { sound: true, tenant, records, checkpoints, last, signedSequence, witnessed: witnessed.seen }
}

interface Walk {
  position: Position
  tenant: string | undefined
  records: number
  readonly keys: SigningKeys
  readonly witnessed: Expected
  knownSeen: boolean
  /** Where the chain begins by its own word, and the record that says why. */
  readonly claimed?: Position
  removedBy?: number
  readonly payloads?: PayloadCheck
}

/** Hashes by sequence number; where witnesses saw two, no chain can have both. */
interface Expected {
  readonly hashes: ReadonlyMap<number, ReadonlySet<string>>
  /** The last one. */
  readonly to: number
  seen: number
}

function expected(statements: readonly SignedStatement[] = [], from: Position): Expected {
  const hashes = new Map<number, Set<string>>()
  for (const { sequence, hash } of statements) {
    if (sequence <= from.sequence) continue
    const known = hashes.get(sequence) ?? new Set()
    hashes.set(sequence, known.add(hash))
  }
  return { hashes, to: Math.max(0, ...hashes.keys()), seen: 0 }
}

/** What witnesses saw is the chain's own word, signed; anything else in a witness was put there by somebody else. */
function unwitnessed(statements: readonly SignedStatement[] = [], { position, witnessed, tenant, keys }: Walk) {
  if (witnessed.to > position.sequence)
    return `the chain ends at record ${position.sequence}, and a witness saw record ${witnessed.to}`
  const forged = statements.find((statement) => statement.tenant !== tenant || !keys.isGenuine(statement))
  return forged && `no known key has signed what a witness says of record ${forged.sequence}`
}

/** A retention rule removes whole segments, so a chain that lacks its first ones begins with one of another name. */
function removedBeginning(directory: string, first: string | undefined): Position | undefined {
  if (first === undefined || first === segmentName(1)) return undefined
  for (const { bytes } of linesForward(`${directory}/${first}`)) {
    const claimed = claimedBeginning(bytes)
    return claimed && segmentName(claimed.sequence + 1) === first ? claimed : undefined
  }
  return undefined
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

function verifyLine({ known }: VerifyOptions, bytes: Buffer, walk: Walk): string | undefined {
  const record = openLine(bytes, walk.position)
  if (typeof record === 'string') return record
  walk.tenant ??= record.tenant
  if (record.tenant !== walk.tenant) return 'the record belongs to another tenant'
  const { keys, position, witnessed } = walk
  const problem =
    record.kind === 'checkpoint'
      ? keys.checkpoint(record, position)
      : record.kind === 'key'
        ? keys.succession(record)
        : undefined
  if (problem !== undefined) return problem
  const lacking = walk.payloads?.check(record)
  if (lacking !== undefined) return lacking
  const removed = removedTo(record)
  const { claimed } = walk
  if (removed?.hash !== undefined && removed.hash === claimed?.hash && removed.sequence === claimed.sequence)
    walk.removedBy = record.seq
  walk.position = { sequence: record.seq, hash: record.hash }
  walk.records++
  const seen = witnessed.hashes.get(record.seq)
  if (seen !== undefined && !(seen.size === 1 && seen.has(record.hash)))
    return 'the record is not the one that a witness saw'
  if (seen !== undefined) witnessed.seen++
  if (known?.sequence === record.seq) {
    if (known.hash !== record.hash) return 'the record is not the one that is known'
    walk.knownSeen = true
  }
  return undefined
}
