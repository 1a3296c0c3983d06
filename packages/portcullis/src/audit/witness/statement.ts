/** Decides how a witness keeps what it saw: one signed checkpoint statement a line, which anybody can check by the public key. */
import type { SignedStatement } from '../checkpoint.ts'

/** One line of a witness. */
export interface WitnessLine extends SignedStatement {
  /** A time stamp (RFC 3161, DER, base64) over the SHA-256 of the line without this member. */
  readonly timestamp?: string
}

/** The members stand in this order, because a time stamp is over the bytes. Without a newline. */
export function lineOf({ tenant, sequence, hash, at, key, signature }: SignedStatement): string {
  return JSON.stringify({ tenant, sequence, hash, at, key, signature })
}

const HEX_64 = /^[0-9a-f]{64}$/

/** Undefined for text that is no line of a witness. */
export function parseWitnessLine(text: string): WitnessLine | undefined {
  let value: Partial<Record<keyof WitnessLine, unknown>>
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    return undefined
  }
  const { tenant, sequence, hash, at, key, signature, timestamp } = value ?? {}
  const isOne =
    [tenant, key, signature].every((member) => typeof member === 'string') &&
    [sequence, at].every(Number.isSafeInteger) &&
    HEX_64.test(String(hash)) &&
    (timestamp === undefined || typeof timestamp === 'string')
  return isOne ? (value as unknown as WitnessLine) : undefined
}

/** All that a text of lines holds; other lines are left out, and counted. */
export function parseWitness(text: string): { readonly lines: readonly WitnessLine[]; readonly strange: number } {
  const lines: WitnessLine[] = []
  let strange = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const read = parseWitnessLine(line)
    if (read === undefined) strange++
    else lines.push(read)
  }
  return { lines, strange }
}
