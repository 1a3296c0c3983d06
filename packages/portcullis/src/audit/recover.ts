import { statSync } from 'node:fs'
import { openLine } from './line.ts'
import { linesBackward, segmentsOf, type Line } from './lines.ts'
import { GENESIS, type AuditRecord, type Position } from './record.ts'
import { segmentName, type Durable } from './segment.ts'

/**
 * Where a chain on disk ends, read when it is opened.
 *
 * A crash can tear only what was being written: the last line, which nobody was told is durable. It is cut off. Anything
 * else that is wrong in the last 1 MiB means that somebody else wrote here, and the chain is not continued. The whole of
 * it is for `verifyChain`, which a start must not wait for.
 */
export interface ChainEnd {
  readonly position: Position
  /** The segment to go on with; absent for a new chain. */
  readonly current?: Durable
  /** Bytes of a torn last line behind `current.bytes`. */
  readonly tornBytes: number
}

/** What was found cannot be what this program wrote. */
export class ChainDamaged extends Error {
  override readonly name = 'ChainDamaged'

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}; the audit chain is not continued (see "portcullis audit verify")`)
  }
}

const CHECKED_BYTES = 1024 * 1024

/** Throws `ChainDamaged`, or what the file system throws. */
export function readChainEnd(directory: string, tenant: string): ChainEnd {
  const segments = segmentsOf(directory)
  const name = segments.at(-1)
  if (name === undefined) return { position: GENESIS, tornBytes: 0 }
  const path = `${directory}/${name}`
  const { lines, tornBytes } = readTail(path)
  const bytes = statSync(path).size - tornBytes
  const before = segments.at(-2)
  const opensWith = before === undefined ? undefined : lastPosition(`${directory}/${before}`)
  // A segment that fits into what is checked must also follow the one before it, or begin the chain.
  const isWhole = lines[0]?.offset === 0
  const anchor = opensWith ?? (name === segmentName(1) ? GENESIS : undefined)
  const position = lines.length > 0 ? checkTail(path, lines, tenant, isWhole ? anchor : undefined) : (anchor ?? GENESIS)
  if (lines.length === 0 && name !== segmentName(position.sequence + 1)) {
    throw new ChainDamaged(path, 'the segment is empty but is not the next one')
  }
  return { position, current: { name, bytes }, tornBytes }
}

type TailLine = Pick<Line, 'bytes' | 'offset'>

/** The complete lines of the last MiB in file order. */
function readTail(path: string): { readonly lines: readonly TailLine[]; readonly tornBytes: number } {
  const lines: TailLine[] = []
  let tornBytes = 0
  let held = 0
  for (const line of linesBackward(path)) {
    if (!line.complete) {
      tornBytes = line.bytes.length
      continue
    }
    lines.push(line)
    held += line.bytes.length
    if (held > CHECKED_BYTES) break
  }
  return { lines: lines.reverse(), tornBytes }
}

function checkTail(path: string, lines: readonly TailLine[], tenant: string, anchor: Position | undefined): Position {
  let position = anchor
  for (const { bytes, offset } of lines) {
    const record = openLine(bytes, position)
    const problem = typeof record === 'string' ? record : wrongTenant(record, tenant)
    if (typeof record === 'string' || problem !== undefined)
      throw new ChainDamaged(path, `at byte ${offset}, ${problem}`)
    position = { sequence: record.seq, hash: record.hash }
  }
  return position ?? GENESIS
}

const wrongTenant = (record: AuditRecord, tenant: string): string | undefined =>
  record.tenant === tenant ? undefined : 'the record belongs to another tenant'

/** The last record of a segment that another one follows. */
function lastPosition(path: string): Position {
  let last: Position | string = 'the segment is empty'
  for (const line of linesBackward(path)) {
    const record = line.complete ? openLine(line.bytes) : 'the segment does not end with a whole line'
    last = typeof record === 'string' ? record : { sequence: record.seq, hash: record.hash }
    break
  }
  if (typeof last === 'string') throw new ChainDamaged(path, last)
  return last
}
