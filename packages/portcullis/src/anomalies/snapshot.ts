/**
 * What is remembered, as bytes: so that a restart does not begin to learn anew.
 *
 *     "PCBL" version:u32 words:u32 length:u32 JSON(head)
 *     1 kind:u8 tier:u8 tenant:u16+bytes name:u16+bytes record …   2 tenant:u16+bytes counts …   0 SHA-256
 *
 * Little-endian, as the memory of all machines that Node runs on. The digest covers all before it.
 */
import { createHash } from 'node:crypto'
import { LAYOUT_VERSION, RECORD_BYTES, SERIES, SERIES_WORDS, WORD } from './layout.ts'
import { type Memory, TABLE_KINDS } from './memory.ts'
import type { Restriction } from './restrictions.ts'
import { isRestricting } from './restrictions.ts'
import type { Subject } from './subject.ts'
import { Transitions } from './transitions.ts'

const MAGIC = 'PCBL'
const FORMAT = 1
const DIGEST_BYTES = 32
const SUBJECT = 1
const TRANSITIONS = 2
const CHUNK = 128

/** Thrown for a snapshot that is not whole, of another form, or with numbers that nothing can have. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

interface Head {
  readonly seed: number
  readonly restrictions: readonly Restriction[]
  readonly homes: readonly (readonly [network: string, at: number])[]
}

/** The bytes in pieces, each made when it is asked for: what is learned meanwhile may be in it or not. */
export function* encode(memory: Memory, now: number): Generator<Buffer> {
  const digest = createHash('sha256')
  const counted = (bytes: Buffer): Buffer => {
    digest.update(bytes)
    return bytes
  }
  yield counted(headOf({ seed: memory.seed, restrictions: memory.restrictions.list(now), homes: memory.homes.entries }))
  for (const [at, kind] of TABLE_KINDS.entries()) {
    let chunk: Buffer[] = []
    for (const subject of memory.tables[kind].all()) {
      if (!subject.isKept) continue
      chunk.push(Buffer.from([SUBJECT, at, subject.tier]), text(subject.tenant), text(subject.name), recordOf(subject))
      if (chunk.length < CHUNK * 4) continue
      yield counted(Buffer.concat(chunk))
      chunk = []
    }
    if (chunk.length > 0) yield counted(Buffer.concat(chunk))
  }
  for (const [tenant, { counts }] of memory.transitions)
    yield counted(Buffer.concat([Buffer.from([TRANSITIONS]), text(tenant), Buffer.from(counts.slice().buffer)]))
  yield counted(Buffer.from([0]))
  yield digest.digest()
}

/** Puts a snapshot into a memory that is empty. Throws SnapshotError; then the memory is not to be used. */
export function decode(bytes: Buffer, memory: Memory): void {
  const end = bytes.length - DIGEST_BYTES
  const isWhole = end > 16 && createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))
  if (!isWhole) throw new SnapshotError('it is not whole')
  const reader = new Reader(bytes.subarray(0, end))
  const head = readHead(reader)
  memory.seed = head.seed >>> 0
  for (const restriction of head.restrictions) memory.restrictions.put(restriction, restriction.since)
  for (const [network, at] of head.homes) memory.homes.visit(network, at)
  for (let mark = reader.u8(); mark !== 0; mark = reader.u8()) {
    if (mark === SUBJECT) readSubject(reader, memory)
    else if (mark === TRANSITIONS) readTransitions(reader, memory)
    else throw new SnapshotError('it has an unknown part')
  }
}

function headOf(head: Head): Buffer {
  const json = Buffer.from(JSON.stringify(head))
  const fixed = Buffer.alloc(16)
  fixed.write(MAGIC, 0, 'latin1')
  fixed.writeUInt32LE(FORMAT * 1_000 + LAYOUT_VERSION, 4)
  fixed.writeUInt32LE(RECORD_BYTES, 8)
  fixed.writeUInt32LE(json.length, 12)
  return Buffer.concat([fixed, json])
}

function readHead(reader: Reader): Head {
  const isOurs = reader.take(4).toString('latin1') === MAGIC
  if (!isOurs || reader.u32() !== FORMAT * 1_000 + LAYOUT_VERSION || reader.u32() !== RECORD_BYTES)
    throw new SnapshotError('it is of another form')
  const head = parsed(reader.take(reader.u32()).toString('utf8'))
  const { seed, restrictions, homes } = head
  const isValid =
    Number.isSafeInteger(seed) &&
    Array.isArray(restrictions) &&
    restrictions.every(isRestriction) &&
    Array.isArray(homes) &&
    homes.every((home: unknown) => Array.isArray(home) && typeof home[0] === 'string' && Number.isFinite(home[1]))
  if (!isValid) throw new SnapshotError('its head is not valid')
  return head as Head
}

function parsed(json: string): Partial<Head> {
  try {
    return JSON.parse(json) as Partial<Head>
  } catch {
    throw new SnapshotError('its head is not JSON')
  }
}

const isRestriction = ({ tenant, principal, answer, score, reason, since, until }: Restriction): boolean =>
  [tenant, principal, reason].every((one) => typeof one === 'string') &&
  isRestricting(answer) &&
  [score, since, until].every((one) => Number.isFinite(one))

function readSubject(reader: Reader, memory: Memory): void {
  const kind = TABLE_KINDS[reader.u8()]
  if (kind === undefined) throw new SnapshotError('it has a subject of an unknown kind')
  const tier = reader.u8()
  const [tenant, name] = [reader.text(), reader.text()]
  const record = reader.take(RECORD_BYTES)
  const subject = memory.tables[kind].enter(tenant, name, 0)
  // There may be less room than when it was written.
  if (subject === undefined) return
  subject.page.u8.set(record, subject.base * 4)
  if (tier !== 0 && tier !== 1 && tier !== 2) throw new SnapshotError('it has a subject of an unknown tier')
  memory.tables[kind].touch(subject, tier)
  if (!isSound(subject)) throw new SnapshotError('it has numbers that nothing can have')
}

function isSound({ page: { f32, f64 }, base }: Subject): boolean {
  const last = base + WORD.series + SERIES.length * SERIES_WORDS
  for (let word = base + WORD.series; word < last; word++) {
    // The last word of a series is an instant in whole seconds, of which any bits are sound.
    if ((word - base - WORD.series) % SERIES_WORDS === SERIES_WORDS - 1) continue
    const value = f32[word] as number
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return false
  }
  const ratios = [f32[base + WORD.failFast] as number, f32[base + WORD.failSlow] as number]
  const instants = [f64[(base + WORD.firstAt) >> 1] as number, f64[(base + WORD.lastAt) >> 1] as number]
  return ratios.every((ratio) => ratio >= 0 && ratio <= 1) && instants.every((at) => Number.isFinite(at) && at >= 0)
}

function readTransitions(reader: Reader, memory: Memory): void {
  const tenant = reader.text()
  const counts = Uint16Array.from(new Uint16Array(new Uint8Array(reader.take(Transitions.BYTES)).buffer))
  memory.transitions.set(tenant, new Transitions(counts))
}

const recordOf = ({ page, base }: Subject): Buffer => Buffer.from(page.u8.subarray(base * 4, base * 4 + RECORD_BYTES))

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(bytes.length)
  return Buffer.concat([length, bytes])
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new SnapshotError('it ends too early')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  u8 = (): number => this.take(1).readUInt8()
  u32 = (): number => this.take(4).readUInt32LE()
  text = (): string => this.take(this.take(2).readUInt16LE()).toString('utf8')
}
