/**
 * Reads DER and nothing else: two readers must not see two certificates, so other encodings of the same value (BER) are
 * refused (X.690 §10, §11). Slices share the memory that they were read from.
 */
import { CertificateRefused } from './refused.ts'

export interface Element {
  /** The identifier octet. */
  readonly tag: number
  readonly content: Buffer
  /** Identifier, length and content. */
  readonly whole: Buffer
}

// biome-ignore format: one tag a word
export const TAG = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, enumerated: 0x0a, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31 } as const

const MAX_DEPTH = 32

/** The one element that `der` is. Throws CertificateRefused for anything before, after or instead of it. */
export function readOne(der: Buffer, tag?: number): Element {
  const element = readAt(der, 0)
  if (element.whole.length !== der.length) throw malformed('bytes after the end')
  if (tag !== undefined && element.tag !== tag) throw malformed('another type than expected')
  return element
}

/** The elements that `content` is a row of. Throws CertificateRefused. */
export function readRow(content: Buffer): readonly Element[] {
  const row: Element[] = []
  for (let at = 0; at < content.length; ) {
    const element = readAt(content, at)
    row.push(element)
    at += element.whole.length
  }
  return row
}

/** Reads the element that begins at `at`. Throws CertificateRefused for what is not DER or ends too early. */
export function readAt(bytes: Buffer, at: number): Element {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) throw malformed('it ends too early')
  if ((tag & 0x1f) === 0x1f) throw malformed('a tag of several octets')
  const octets = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || octets > 4 || at + 2 + octets > bytes.length) throw malformed('a length that is not DER')
  const length = octets === 0 ? first : bytes.readUIntBE(at + 2, octets)
  // The shortest form is the only one.
  if (octets > 0 && (length < 0x80 || bytes[at + 2] === 0)) throw malformed('a length that is not the shortest')
  const start = at + 2 + octets
  if (start + length > bytes.length) throw malformed('it ends too early')
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) }
}

/** Throws CertificateRefused unless everything inside is DER too. */
export function assertStrict(element: Element, depth = 0): void {
  if (depth > MAX_DEPTH) throw malformed('nested too deeply')
  const { tag, content } = element
  if ((tag & 0x20) !== 0) {
    for (const child of readRow(content)) assertStrict(child, depth + 1)
    return
  }
  if (tag === TAG.boolean && !(content.length === 1 && (content[0] === 0 || content[0] === 0xff)))
    throw malformed('a boolean that is not DER')
  if (tag === TAG.integer || tag === TAG.enumerated) assertShortest(content)
  if (tag === TAG.bitString && (content.length === 0 || (content[0] as number) > 7)) throw malformed('a bit string')
  if (tag === TAG.oid && (content.length === 0 || ((content.at(-1) as number) & 0x80) !== 0)) throw malformed('an OID')
}

function assertShortest(content: Buffer): void {
  const [first, second = 0] = content
  if (first === undefined) throw malformed('an empty integer')
  if (content.length === 1) return
  if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) throw malformed('an integer with padding')
}

/**
 * Milliseconds since the epoch of a UTCTime or GeneralizedTime in the only forms that RFC 5280 §4.1.2.5 allows: seconds, `Z`.
 * Throws CertificateRefused.
 */
export function readTime({ tag, content }: Element): number {
  const text = content.toString('latin1')
  if (tag === TAG.utcTime && /^\d{12}Z$/.test(text)) {
    return moment(`${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`)
  }
  if (tag === TAG.generalizedTime && /^\d{14}Z$/.test(text)) return moment(text)
  throw malformed('a time that is not written as it must be')
}

function moment(text: string): number {
  const at = (from: number, length = 2) => text.slice(from, from + length)
  const iso = `${at(0, 4)}-${at(4)}-${at(6)}T${at(8)}:${at(10)}:${at(12)}.000Z`
  const time = Date.parse(iso)
  // A day that no month has would be moved into the next one.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) throw malformed('a time that there is not')
  return time
}

export const malformed = (what: string): CertificateRefused => new CertificateRefused('malformed', { what })
