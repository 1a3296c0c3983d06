/** Decides how records are searched: forwards, in turns, with bounded memory, past the segments that lie outside of the time. */
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { segmentsOf } from './lines.ts'
import type { AuditRecord } from './record.ts'
import { matches, passesKind, type TailFilter } from './tail.ts'

/** All members together; an outcome has principal, upstream and target of its call. */
export type RecordQuery = TailFilter

const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a
/** `at` stands within the first bytes of a line, before anything that strangers choose. */
const HEAD_BYTES = 256
/** Calls whose outcome is still to come; older ones were left without one by a crash. */
const MAX_OPEN = 100_000

/**
 * Records that the query lets through, in the order of the chain. It does not verify. An unknown folder has none. Ends
 * quietly when `signal` aborts. Rejects with what the file system throws.
 */
export async function* searchRecords(
  directory: string,
  query: RecordQuery,
  signal?: AbortSignal,
): AsyncGenerator<AuditRecord> {
  if (!existsSync(directory)) return
  const calls = new OpenCalls(query)
  const needle = query.incident === undefined ? undefined : Buffer.from(JSON.stringify(query.incident))
  for (const name of await segmentsWithin(directory, query)) {
    for await (const lines of batchesOfLines(`${directory}/${name}`)) {
      if (signal?.aborted === true) return
      for (const line of lines) {
        // Most lines are of other calls: to look for bytes costs a hundredth of reading JSON.
        const record = needle !== undefined && !line.includes(needle) ? undefined : readLine(line)
        if (record !== undefined && calls.concerns(record)) yield record
      }
    }
  }
}

/**
 * The segments in which a record of that time can be. A clock may have gone back, so the order of their times is not
 * relied upon: a segment holds what lies between its own first time and that of the next, whichever is the later.
 */
export async function segmentsWithin(
  directory: string,
  { from = -Infinity, to = Infinity }: Pick<RecordQuery, 'from' | 'to'>,
): Promise<readonly string[]> {
  const names = segmentsOf(directory)
  if (from === -Infinity && to === Infinity) return names
  const firsts = await firstTimes(directory, names)
  return names.filter((_, index) => {
    const own = firsts[index] ?? -Infinity
    const next = firsts[index + 1] ?? Infinity
    return Math.min(own, next) < to && Math.max(own, next) >= from
  })
}

/** `at` of the first record of each segment; undefined for one without records. One file is open at a time. */
export async function firstTimes(
  directory: string,
  names: readonly string[],
): Promise<readonly (number | undefined)[]> {
  const times: (number | undefined)[] = []
  for (const name of names) times.push(await firstTime(`${directory}/${name}`))
  return times
}

async function firstTime(path: string): Promise<number | undefined> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const at = /^\{"seq":\d+,"prev":"[0-9a-f]{64}","at":(-?\d+),/.exec(buffer.toString('latin1', 0, bytesRead))?.[1]
    return at === undefined ? undefined : Number(at)
  } finally {
    await file.close()
  }
}

/** The whole lines of a file without their newlines, as many at a time as one read brings. They share its memory. */
export async function* batchesOfLines(path: string): AsyncGenerator<readonly Buffer[]> {
  const file = await open(path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null)
      if (bytesRead === 0) return
      const held = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
      const lines: Buffer[] = []
      let start = 0
      for (let end = held.indexOf(NEWLINE); end >= 0; end = held.indexOf(NEWLINE, start)) {
        lines.push(held.subarray(start, end))
        start = end + 1
      }
      rest = held.subarray(start)
      yield lines
    }
  } finally {
    await file.close()
  }
}

function readLine(line: Buffer): AuditRecord | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'))
    return typeof value === 'object' && value !== null && 'seq' in value ? (value as AuditRecord) : undefined
  } catch {
    return undefined
  }
}

/** An outcome names only its incident, so its call has to be remembered until then. */
class OpenCalls {
  readonly #query: RecordQuery
  /** The query without what only an outcome says of itself. */
  readonly #ofCall: TailFilter
  readonly #joins: boolean
  readonly #open = new Set<string>()

  constructor(query: RecordQuery) {
    const { code: _code, outcome: _outcome, ...ofCall } = query
    this.#query = query
    this.#ofCall = ofCall
    this.#joins = [query.principal, query.upstream, query.target].some((one) => one !== undefined)
  }

  concerns(record: AuditRecord): boolean {
    const isOutcome = record.kind === 'outcome' && this.#joins && this.#open.delete(record.incident)
    if (record.kind === 'call' && this.#joins && matches(record, this.#ofCall)) this.#remember(record.incident)
    const { principal, upstream, target, ...ownWords } = this.#query
    const isAbout = isOutcome ? matches(record, ownWords) : matches(record, this.#query)
    return isAbout && passesKind(record, this.#query)
  }

  #remember(incident: string): void {
    this.#open.add(incident)
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.values().next().value as string)
  }
}
