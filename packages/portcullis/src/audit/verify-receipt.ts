/** Checks a receipt: by the public key alone, and where the chain is at hand, that the record stands in it. */
import type { KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { digestOf } from '../mcp/canonical.ts'
import { isRecord } from '../mcp/message.ts'
import { openLine } from './line.ts'
import { linesBackward, linesForward, segmentsOf } from './lines.ts'
import { isReceiptSigned, RECEIPT, type Receipt, withoutReceipt } from './receipt.ts'
import type { AuditRecord } from './record.ts'
import { segmentName } from './segment.ts'

export interface ReceiptVerdict {
  readonly valid: boolean
  /** Absent when it is valid. */
  readonly problem?: string
  readonly receipt?: Receipt
  /** Whether its record was looked up: `older` when the chain begins after it. */
  readonly chain: 'found' | 'older' | 'absent'
  /** Whether the result beside it is the one that it is about. */
  readonly result: 'matches' | 'absent'
}

export interface ReceiptQuestion {
  /** A receipt, a result that carries one, or the JSON-RPC message with that result. */
  readonly value: unknown
  readonly keys: ReadonlyMap<string, KeyObject>
  /** Folder of the tenant's chain; absent: only signatures are checked. */
  readonly chainOf?: (tenant: string) => string
}

/** Throws only what the file system throws. */
export function verifyReceipt({ value, keys, chainOf }: ReceiptQuestion): ReceiptVerdict {
  const { receipt, result } = unwrap(value)
  const told = { chain: 'absent', result: result === undefined ? 'absent' : 'matches' } as const
  if (receipt === undefined) return { valid: false, problem: 'there is no receipt', ...told }
  const refuse = (problem: string) => ({ valid: false, problem, receipt, ...told }) as const
  const { statement, key } = receipt
  const publicKey = keys.get(key)
  if (publicKey === undefined) return refuse(`it is signed with the unknown key ${key}`)
  if (!isReceiptSigned(receipt, publicKey)) return refuse('its signature is not valid')
  if (result !== undefined && digestOf(withoutReceipt(result)) !== statement.result)
    return refuse('it is about another result')
  const directory = chainOf?.(statement.tenant)
  if (directory === undefined) return { valid: true, receipt, ...told }
  const chain = lookUp(directory, receipt)
  return chain === 'found' || chain === 'older' ? { valid: true, receipt, ...told, chain } : refuse(chain)
}

/** Finds the place in the chain, or says what stands there instead. */
function lookUp(directory: string, { statement }: Receipt): string {
  const { sequence, hash } = statement
  const segments = existsSync(directory) ? segmentsOf(directory) : []
  const name = segments.findLast((segment) => segment <= segmentName(sequence))
  if (name === undefined) return segments.length > 0 ? 'older' : 'there is no chain of its tenant'
  const call: string[] = []
  for (const { bytes, complete } of linesForward(`${directory}/${name}`)) {
    const record = complete ? openLine(bytes) : 'the line is not complete'
    if (typeof record === 'string') return `record ${sequence} cannot be reached: ${record}`
    if (record.kind === 'call' && record.incident === statement.incident) call.push(record.arguments)
    if (record.seq !== sequence) continue
    if (record.hash !== hash || !isOutcome(record, statement.incident) || record.at !== statement.at)
      return `the chain has another record ${sequence}`
    const digest = call[0] ?? earlierCall(directory, segments, name, statement.incident)
    return digest === statement.arguments ? 'found' : 'the call record in the chain is about other arguments'
  }
  return `the chain ends before record ${sequence}`
}

const isOutcome = (record: AuditRecord, incident: string): boolean =>
  record.kind === 'outcome' && record.incident === incident

/** A call may have lasted longer than a segment. */
function earlierCall(
  directory: string,
  segments: readonly string[],
  name: string,
  incident: string,
): string | undefined {
  const needle = `"incident":${JSON.stringify(incident)}`
  for (const segment of segments.filter((one) => one < name).toReversed()) {
    for (const { bytes } of linesBackward(`${directory}/${segment}`)) {
      const record = bytes.includes(needle) ? openLine(bytes) : ''
      if (typeof record !== 'string' && record.kind === 'call' && record.incident === incident) return record.arguments
    }
  }
  return undefined
}

function unwrap(value: unknown): { readonly receipt?: Receipt; readonly result?: Readonly<Record<string, unknown>> } {
  if (!isRecord(value)) return {}
  if (isReceipt(value)) return { receipt: value }
  const result = isRecord(value['result']) ? value['result'] : value
  const meta = result['_meta']
  const receipt = isRecord(meta) ? meta[RECEIPT] : undefined
  return isReceipt(receipt) ? { receipt, result } : {}
}

const HEX_64 = /^[0-9a-f]{64}$/

function isReceipt(value: unknown): value is Receipt {
  // What is not signed has no place in it.
  if (!isRecord(value) || Object.keys(value).length !== 4) return false
  if (!isRecord(value['statement']) || !Array.isArray(value['path'])) return false
  const { tenant, incident, sequence, hash, at, arguments: asked, result } = value['statement']
  const isStatement =
    [tenant, incident].every((text) => typeof text === 'string') &&
    [sequence, at].every((number) => Number.isSafeInteger(number) && (number as number) > 0) &&
    [hash, asked, result].every((digest) => HEX_64.test(String(digest))) &&
    Object.keys(value['statement']).length === 7
  const isPath = value['path'].every(
    (step: unknown) =>
      isRecord(step) && Object.keys(step).length === 1 && HEX_64.test(String(step['left'] ?? step['right'])),
  )
  return (
    isStatement &&
    isPath &&
    value['path'].length <= 64 &&
    typeof value['key'] === 'string' &&
    typeof value['signature'] === 'string'
  )
}
