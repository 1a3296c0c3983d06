/**
 * Reads one chain forwards from a sequence number, some records at a time, without holding a file open between.
 *
 * The chain is the spool of the exporters: nothing is copied for them, so what waits for a receiver costs no memory.
 */
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { segmentsOf } from '../lines.ts'
import { parseLine } from '../line.ts'
import type { AuditRecord } from '../record.ts'

export interface ReadLimits {
  readonly maxRecords: number
  /** Of the lines together; one line is read however long it is. */
  readonly maxBytes: number
  /** The last record that is known to be durable: what is behind it may still be taken back. */
  readonly upTo: number
}

/** One line. Without `record` it cannot be understood, for the reason `problem`. */
export interface ReadLine {
  readonly seq: number
  readonly line: string
  readonly record?: AuditRecord
  readonly problem?: string
}

export interface ReadResult {
  readonly lines: readonly ReadLine[]
  /** Records between the one before and the first of these that are not there any more. */
  readonly missing: number
}

const CHUNK_BYTES = 256 * 1024
const MAX_LINE_BYTES = 64 * 1024 * 1024
const NEWLINE = 0x0a

interface Place {
  readonly segment: string
  readonly offset: number
}

export class ChainReader {
  readonly #directory: string
  /** The last record that was read. */
  #sequence: number
  readonly #onPassed: (line: Buffer) => void
  /** Where the next one begins; unknown at first. */
  #place: Place | undefined

  /** Begins behind the record `sequence`. On the way there `onPassed` sees the lines of the segment, while they are read only. */
  constructor(directory: string, sequence: number, onPassed: (line: Buffer) => void = () => {}) {
    this.#directory = directory
    this.#sequence = sequence
    this.#onPassed = onPassed
  }

  /** The next records; none when there are none yet. Rejects with what the file system says. */
  async read(limits: ReadLimits): Promise<ReadResult> {
    const place = (this.#place ??= this.#find())
    if (place === undefined || this.#sequence >= limits.upTo) return { lines: [], missing: 0 }
    const taken = new Taken(place.offset, limits, this.#sequence, this.#onPassed)
    const found = await fill(taken, `${this.#directory}/${place.segment}`)
    if (found === undefined) {
      // The segment was removed since it was found.
      this.#place = this.#find()
      return this.#place?.segment === place.segment ? { lines: [], missing: 0 } : this.read(limits)
    }
    this.#place = { segment: place.segment, offset: found.offset }
    const [first] = found.lines
    if (first === undefined) return this.#goOn(place.segment, found.isWhole, limits)
    const missing = first.seq - this.#sequence - 1
    this.#sequence = found.lines.at(-1)?.seq ?? this.#sequence
    return { lines: found.lines, missing }
  }

  /** Once a later segment exists, an earlier one grows no more. */
  #goOn(segment: string, isWhole: boolean, limits: ReadLimits): Promise<ReadResult> | ReadResult {
    const next = isWhole ? segmentsOf(this.#directory).find((name) => name > segment) : undefined
    if (next === undefined) return { lines: [], missing: 0 }
    this.#place = { segment: next, offset: 0 }
    return this.read(limits)
  }

  /** A segment bears the number of its first record; where the one is gone that would have ours, the oldest is next. */
  #find(): Place | undefined {
    if (!existsSync(this.#directory)) return undefined
    const names = segmentsOf(this.#directory)
    const segment = names.findLast((name) => Number(name.slice(0, 15)) <= this.#sequence + 1) ?? names[0]
    return segment === undefined ? undefined : { segment, offset: 0 }
  }
}

interface Found {
  readonly lines: readonly ReadLine[]
  /** Where the next line begins. */
  readonly offset: number
  /** No whole line is behind that. */
  readonly isWhole: boolean
}

/** Undefined when the file is gone. */
async function fill(taken: Taken, path: string): Promise<Found | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    let chunkBytes = CHUNK_BYTES
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, taken.offset)
      const before = taken.offset
      if (taken.take(buffer.subarray(0, bytesRead))) return taken.found(false)
      if (bytesRead < chunkBytes) return taken.found(true)
      // One line is longer than what was read.
      if (taken.offset === before) chunkBytes *= 2
      if (chunkBytes > MAX_LINE_BYTES) throw new Error(`${path} has a line that never ends`)
    }
  } finally {
    await file.close()
  }
}

class Taken {
  readonly #lines: ReadLine[] = []
  readonly #limits: ReadLimits
  readonly #after: number
  readonly #onPassed: (line: Buffer) => void
  #bytes = 0
  /** Of the first line that was not taken. */
  offset: number

  constructor(offset: number, limits: ReadLimits, after: number, onPassed: (line: Buffer) => void) {
    this.offset = offset
    this.#after = after
    this.#limits = limits
    this.#onPassed = onPassed
  }

  /** Takes the whole lines of a chunk; true when that is enough. */
  take(chunk: Buffer): boolean {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (!this.#takeLine(chunk.subarray(start, end))) return true
      this.offset += end + 1 - start
      start = end + 1
    }
    return false
  }

  found(isWhole: boolean): Found {
    return { lines: this.#lines, offset: this.offset, isWhole }
  }

  #takeLine(bytes: Buffer): boolean {
    const { maxRecords, maxBytes, upTo } = this.#limits
    const seq = sequenceOf(bytes) ?? (this.#lines.at(-1)?.seq ?? this.#after) + 1
    if (seq <= this.#after) {
      this.#onPassed(bytes)
      return true
    }
    if (seq > upTo || this.#lines.length >= maxRecords) return false
    if (this.#lines.length > 0 && this.#bytes + bytes.length > maxBytes) return false
    this.#bytes += bytes.length
    this.#lines.push(readLine(bytes, seq))
    return true
  }
}

function readLine(bytes: Buffer, seq: number): ReadLine {
  const record = parseLine(bytes)
  const line = bytes.toString('utf8')
  return typeof record === 'string' ? { seq, line, problem: record } : { seq, line, record }
}

/** Without reading the JSON: most lines at a start lie before the place that is looked for. */
function sequenceOf(line: Buffer): number | undefined {
  const digits = /^\{"seq":(\d{1,15}),/.exec(line.toString('latin1', 0, 32))?.[1]
  return digits === undefined ? undefined : Number(digits)
}
