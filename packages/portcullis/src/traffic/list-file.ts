/** Decides how files of entries are read: one value a line, CSV with a head, or one JSON object a line. */
import { BLOCK_KINDS, type BlockKind, FOR_EVER_MS } from './blocks.ts'
import { EntrySet, type Note } from './entry-set.ts'
import { canonicalValue, valueProblem } from './entry-value.ts'

export type ListFormat = 'lines' | 'csv' | 'json-lines'

export interface ListFileRules {
  readonly format: ListFormat
  /** Of entries that name none. */
  readonly kind: BlockKind
  /** Of entries that give none. */
  readonly reason: string
  /** How the file is called in records. */
  readonly source: string
}

/** A line that cannot be read. Nothing of the file counts then. */
export class ListFileError extends Error {
  override readonly name = 'ListFileError'

  constructor(line: number, right: string) {
    super(`line ${line} is not ${right}`)
  }
}

/** Members of an entry as the file writes them; all of them text. */
type Written = Partial<Readonly<Record<Column, string>>>

const COLUMNS = ['kind', 'value', 'tenant', 'reason', 'until'] as const
type Column = (typeof COLUMNS)[number]

const MAX_ENTRIES = 5_000_000
const MAX_REASON_CHARS = 500

/** Reads a whole file in steps of one line. Throws ListFileError for the first line that cannot be read. */
export function* readListFile(bytes: Buffer, rules: ListFileRules): Generator<void, EntrySet> {
  const set = new EntrySet()
  const read = READERS[rules.format]()
  let shared: Note | undefined
  for (const [number, line] of linesOf(bytes)) {
    const written = read(line, number)
    if (written !== undefined) {
      shared = addWritten(set, written, rules, number, shared)
      if (set.size > MAX_ENTRIES) throw new ListFileError(number, `among the first ${MAX_ENTRIES} entries`)
    }
    yield
  }
  yield* set.finish()
  return set
}

function addWritten(set: EntrySet, written: Written, rules: ListFileRules, line: number, shared?: Note): Note {
  const { value = '', tenant = '', reason = rules.reason } = written
  const kind = written.kind === undefined ? rules.kind : BLOCK_KINDS.find((known) => known === written.kind)
  if (kind === undefined) throw new ListFileError(line, `an entry of a kind: ${BLOCK_KINDS.join(', ')}`)
  const right = valueProblem(kind, value, tenant)
  if (right !== undefined) throw new ListFileError(line, right)
  if (reason.length > MAX_REASON_CHARS || /\p{Cc}/u.test(reason))
    throw new ListFileError(line, 'an entry with a short reason')
  const untilMs = written.until === undefined ? FOR_EVER_MS : instantOf(written.until, line)
  // A million entries share the few notes that there are.
  const isSame = shared !== undefined && shared.reason === reason && shared.untilMs === untilMs
  const note = isSame ? shared : { reason, untilMs, source: rules.source }
  set.add({ kind, tenant, value: kind === 'address' ? value : canonicalValue(kind, value) }, note)
  return note
}

const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/

function instantOf(text: string, line: number): number {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new ListFileError(line, 'an entry until an instant such as 2026-01-31T12:00:00Z')
  return at
}

type Reader = (line: string, number: number) => Written | undefined

const READERS: Readonly<Record<ListFormat, () => Reader>> = {
  lines: () => (line) => readLine(line),
  csv: readCsv,
  'json-lines': () => readJson,
}

/** What follows `#` or `;` behind a blank is why the value is listed, as public lists of networks write it. */
function readLine(line: string): Written | undefined {
  const comment = /(?:^|\s)[#;]/.exec(line)
  const value = (comment === null ? line : line.slice(0, comment.index)).trim()
  if (value === '') return undefined
  const reason =
    comment === null
      ? ''
      : line
          .slice(comment.index)
          .replace(/^\s*[#;]+/, '')
          .trim()
  return reason === '' ? { value } : { value, reason }
}

/** The first line names the columns; `value` must be among them (RFC 4180, without line breaks inside of a field). */
function readCsv(): Reader {
  let columns: readonly Column[] | undefined
  return (line, number) => {
    if (line.trim() === '') return undefined
    const fields = csvFields(line, number)
    if (columns === undefined) {
      columns = columnsOf(fields, number)
      return undefined
    }
    if (fields.length !== columns.length) throw new ListFileError(number, `a row of ${columns.length} fields`)
    return Object.fromEntries(columns.map((column, at) => [column, fields[at]]).filter(([, field]) => field !== ''))
  }
}

function columnsOf(fields: readonly string[], number: number): readonly Column[] {
  const columns = fields.map((field) => COLUMNS.find((known) => known === field.trim().toLowerCase()))
  const isGood = columns.every((column) => column !== undefined) && new Set(columns).size === columns.length
  if (!isGood || !columns.includes('value'))
    throw new ListFileError(number, `a head of value and ${COLUMNS.join(', ')}`)
  return columns
}

/** The fields of one line of CSV (RFC 4180). Throws ListFileError for quotes that do not close. */
export function csvFields(line: string, number: number): readonly string[] {
  if (!line.includes('"')) return line.split(',').map((field) => field.trim())
  // No two parts of it match the same blanks: a line of a stranger's list must not take for ever.
  const fields = [...line.matchAll(/(?:\s*"([^"]*(?:""[^"]*)*)"\s*|([^",]*))(,|$)/gy)]
  const end = fields.findIndex(([, , , after]) => after === '')
  if (end < 0 || (fields[end] as RegExpExecArray).index + (fields[end]?.[0].length ?? 0) !== line.length)
    throw new ListFileError(number, 'a row whose quotes close')
  return fields.slice(0, end + 1).map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.trim())
}

function readJson(line: string, number: number): Written | undefined {
  if (line.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new ListFileError(number, 'a JSON object')
  }
  const isGood =
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([key, member]) => COLUMNS.some((known) => known === key) && typeof member === 'string')
  if (!isGood) throw new ListFileError(number, `a JSON object with texts for ${COLUMNS.join(', ')}`)
  return value as Written
}

const NEWLINE = 10

/** The lines of a file with their numbers, from 1; a byte order mark and carriage returns are left out. */
export function* linesOf(bytes: Buffer): Generator<readonly [number: number, line: string]> {
  let from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  for (let number = 1; from < bytes.length; number++) {
    const found = bytes.indexOf(NEWLINE, from)
    const end = found < 0 ? bytes.length : found
    yield [number, bytes.toString('utf8', from, end).replace(/\r$/, '')]
    from = end + 1
  }
}
