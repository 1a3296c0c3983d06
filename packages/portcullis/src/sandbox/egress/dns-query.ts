/**
 * Reads a query for a name and writes its answer (RFC 1035). The egress is the only name server of its sandbox, and no
 * query ever leaves it: names are a way to carry data out.
 */

export interface DnsQuery {
  readonly id: number
  /** Labels joined by dots, as sent, byte for character; empty for the root. */
  readonly name: string
  readonly type: number
  readonly recursionDesired: boolean
  /** The question as it came, which the answer repeats; some clients check the case of its letters. */
  readonly question: Buffer
}

export const TYPE_A = 1
const CLASS_IN = 1
const TYPE_OPT = 41
const HEADER_BYTES = 12
const MAX_NAME_BYTES = 255
const MAX_LABEL_BYTES = 63

const RESPONSE = 0x8000
const OPCODE = 0x7800
const TRUNCATED = 0x0200
const RECURSION_DESIRED = 0x0100
const RECURSION_AVAILABLE = 0x0080

/** `none`: no answer may be given, because it is an answer itself or too short to have an id. */
export type ReadQuery = DnsQuery | 'malformed' | 'none'

/** One question of class IN, with at most an EDNS record after it. */
export function readQuery(message: Buffer): ReadQuery {
  if (message.length < HEADER_BYTES) return 'none'
  const flags = message.readUInt16BE(2)
  if ((flags & RESPONSE) !== 0) return 'none'
  if ((flags & (OPCODE | TRUNCATED)) !== 0) return 'malformed'
  const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at))
  if (questions !== 1 || answers !== 0 || authorities !== 0 || (additional ?? 0) > 1) return 'malformed'
  const name = readName(message)
  if (name === undefined || name.end + 4 > message.length) return 'malformed'
  if (message.readUInt16BE(name.end + 2) !== CLASS_IN) return 'malformed'
  const end = name.end + 4
  if (!endsWell(message, end, additional === 1)) return 'malformed'
  return {
    id: message.readUInt16BE(0),
    name: name.text,
    type: message.readUInt16BE(name.end),
    recursionDesired: (flags & RECURSION_DESIRED) !== 0,
    question: message.subarray(HEADER_BYTES, end),
  }
}

/** Without compression, which a question has no use for. */
function readName(message: Buffer): { readonly text: string; readonly end: number } | undefined {
  const labels: string[] = []
  for (let at = HEADER_BYTES; ; ) {
    const length = message[at]
    if (length === undefined || length > MAX_LABEL_BYTES) return undefined
    const next = at + 1 + length
    if (next - HEADER_BYTES > MAX_NAME_BYTES || next > message.length) return undefined
    if (length === 0) return { text: labels.join('.'), end: next }
    const label = message.toString('latin1', at + 1, next)
    // A dot inside of a label would make two names look alike.
    if (label.includes('.')) return undefined
    labels.push(label)
    at = next
  }
}

/** Nothing follows, or one EDNS record of the root (RFC 6891 §6.1.2). */
function endsWell(message: Buffer, at: number, hasRecord: boolean): boolean {
  if (!hasRecord) return at === message.length
  if (at + 11 > message.length) return false
  if (message[at] !== 0 || message.readUInt16BE(at + 1) !== TYPE_OPT) return false
  return at + 11 + message.readUInt16BE(at + 9) === message.length
}

export type DnsAnswer =
  | { readonly kind: 'address'; readonly address: string; readonly ttlSeconds: number }
  /** The name is there, and has nothing of this type. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'no-such-name' }
  | { readonly kind: 'failure' }

const CODES = { address: 0, empty: 0, 'no-such-name': 3, failure: 2 } as const
const FORMAT_ERROR = 1

export function writeAnswer({ id, question, recursionDesired }: DnsQuery, answer: DnsAnswer): Buffer {
  const records = answer.kind === 'address' ? [addressRecord(answer.address, answer.ttlSeconds)] : []
  const flags = RESPONSE | RECURSION_AVAILABLE | (recursionDesired ? RECURSION_DESIRED : 0) | CODES[answer.kind]
  return Buffer.concat([header(id, flags, 1, records.length), question, ...records])
}

/** For a query that could not be read. */
export function writeFormatError(message: Buffer): Buffer {
  return header(message.readUInt16BE(0), RESPONSE | FORMAT_ERROR, 0, 0)
}

function header(id: number, flags: number, questions: number, answers: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  for (const [at, value] of [id, flags, questions, answers].entries()) bytes.writeUInt16BE(value, 2 * at)
  return bytes
}

function addressRecord(address: string, ttlSeconds: number): Buffer {
  const record = Buffer.alloc(16)
  record.writeUInt16BE(0xc000 | HEADER_BYTES, 0) // the name of the question
  record.writeUInt16BE(TYPE_A, 2)
  record.writeUInt16BE(CLASS_IN, 4)
  record.writeUInt32BE(ttlSeconds, 6)
  record.writeUInt16BE(4, 10)
  for (const [at, byte] of address.split('.').entries()) record[12 + at] = Number(byte)
  return record
}
