import { hash } from 'node:crypto'
import type { Target } from '../mcp/call.ts'
import type { AuditRecord, CallBody, OutcomeBody, Position, RecordBody } from './record.ts'

/**
 * One record is one line of JSON, and its hash covers the bytes of that line as they stand.
 *
 *     {"seq":7,"prev":"<hash of 6>","at":…,"tenant":"…","kind":"…", … ,"hash":"<64 hex digits>"}\n
 *
 * `hash` is SHA-256 over everything before `,"hash":"`. Whoever verifies needs no JSON parser for it, only the last 75
 * characters. The line also has to be what JSON.stringify(JSON.parse(line)) gives, so no member can be there twice.
 *
 * The two kinds of the hot path are written by hand; a property test holds them equal to JSON.stringify.
 */
const HASH_OPENS = ',"hash":"'
const HASH_CLOSES = '"}'
const HEX_LENGTH = 64

/** How many bytes at the end of a line (without its newline) belong to the hash member. */
export const SEAL_BYTES = HASH_OPENS.length + HEX_LENGTH + HASH_CLOSES.length

export interface SealedLine {
  /** With its newline. */
  readonly text: string
  readonly hash: string
}

/** Writes the record that follows `previous`. `tenantJson` is the tenant as a JSON string. */
export function sealLine(previous: Position, at: number, tenantJson: string, body: RecordBody): SealedLine {
  const open = `{"seq":${previous.sequence + 1},"prev":"${previous.hash}","at":${at},"tenant":${tenantJson},${membersOf(body)}`
  const digest = hash('sha256', open, 'hex')
  return { text: `${open}${HASH_OPENS}${digest}${HASH_CLOSES}\n`, hash: digest }
}

/**
 * Reads a line (without its newline) that has to follow `previous`; without `previous` any position is right.
 * Returns the record, or the sentence that says what is wrong.
 */
export function openLine(line: Buffer, previous?: Position): AuditRecord | string {
  const record = parseLine(line)
  if (typeof record === 'string') return record
  const digest = hash('sha256', line.subarray(0, line.length - SEAL_BYTES), 'hex')
  if (digest !== record.hash) return 'the hash does not match the record'
  if (!Number.isSafeInteger(record.seq) || record.seq < 1) return 'the sequence number is not valid'
  if (previous === undefined) return record
  if (record.seq !== previous.sequence + 1)
    return `record ${previous.sequence + 1} expected, record ${record.seq} found`
  if (record.prev !== previous.hash) return 'the record does not follow the one before it'
  return record
}

/** Reads a line without checking its place in the chain. */
export function parseLine(line: Buffer): AuditRecord | string {
  const text = line.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'the line is not JSON'
  }
  if (typeof value !== 'object' || value === null || !('seq' in value)) return 'the line is not an audit record'
  if (JSON.stringify(value) !== text) return 'the line is not in canonical form'
  const sealed = text.endsWith(HASH_CLOSES) && text.startsWith(HASH_OPENS, text.length - SEAL_BYTES)
  return sealed ? (value as AuditRecord) : 'the line does not end with its hash'
}

const membersOf = (body: RecordBody): string => {
  if (body.kind === 'call') return callMembers(body)
  if (body.kind === 'outcome') return outcomeMembers(body)
  return JSON.stringify(body).slice(1, -1)
}

const json = (text: string): string => JSON.stringify(text)

function callMembers(body: CallBody): string {
  let text = `"kind":"call","incident":${json(body.incident)}`
  if (body.principal !== undefined) text += `,"principal":${json(body.principal)}`
  if (body.credential) text += `,"credential":{"kind":${json(body.credential.kind)},"id":${json(body.credential.id)}}`
  text += `,"address":${json(body.address)}`
  if (body.upstream !== undefined) text += `,"upstream":${json(body.upstream)}`
  text += `,"method":${json(body.method)}`
  if (body.target) text += `,"target":${targetJson(body.target)}`
  text += `,"arguments":"${body.arguments}","era":"${body.era}","version":${json(body.version)}`
  if (body.decision) {
    const { effect, policies, revision } = body.decision
    text += `,"decision":{"effect":"${effect}","policies":${listJson(policies)},"revision":${json(revision)}}`
  }
  if (body.findings !== undefined) text += `,"findings":${JSON.stringify(body.findings)}`
  if (body.approval !== undefined) text += `,"approval":${json(body.approval)}`
  return body.payload === undefined ? text : `${text},"payload":${JSON.stringify(body.payload)}`
}

function outcomeMembers(body: OutcomeBody): string {
  let text = `"kind":"outcome","incident":${json(body.incident)},"outcome":"${body.outcome}"`
  text += `,"status":${body.status},"durationMs":${body.durationMs}`
  if (body.isError) text += ',"isError":true'
  if (body.streamed !== undefined) text += `,"streamed":${body.streamed}`
  if (body.code !== undefined) text += `,"code":${json(body.code)}`
  if (body.detail !== undefined) text += `,"detail":${JSON.stringify(body.detail)}`
  if (body.findings !== undefined) text += `,"findings":${JSON.stringify(body.findings)}`
  return body.payload === undefined ? text : `${text},"payload":${JSON.stringify(body.payload)}`
}

const targetJson = (target: Target): string =>
  target.kind === 'none' ? '{"kind":"none"}' : `{"kind":"${target.kind}","name":${json(target.name)}}`

const listJson = (values: readonly string[]): string => {
  if (values.length === 0) return '[]'
  return values.length === 1 ? `[${json(values[0] as string)}]` : JSON.stringify(values)
}
