import { hash } from 'node:crypto'
import { isRecord } from '../mcp/message.ts'

/** The one text of a JSON value: members sorted by UTF-16 code units, no space (RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`)
  return `{${members.join(',')}}`
}

/** SHA-256, hex, over the canonical text. */
export const digestOf = (value: unknown): string => hash('sha256', canonicalJson(value), 'hex')
