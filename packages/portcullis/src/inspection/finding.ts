/** What an inspection can find, in the words that all detectors share. Evidence is for the audit record and never leaves the gateway. */
import type { FAMILIES, Weight } from '../core/inspection-words.ts'

/** The family decides which verdict of the configuration applies; of a definition its lock decides. */
export type Family = (typeof FAMILIES)[number] | 'definition'

export type { Weight }

/** One finding in one string. */
export interface Sighting {
  readonly family: Family
  readonly weight: Weight
  /** Stable, `family.reason`, such as `sql.stacked-statement`. */
  readonly reason: string
  /** The part that shows it, for operators: at most 120 characters, control characters escaped. */
  readonly evidence: string
  /** The canonical view in which it was seen; absent when it was the value itself. */
  readonly view?: string
  /** For breaches: what a caller may read, without quoting the value, such as `must be one SELECT statement`. */
  readonly says?: string
}

/** A sighting and where it was: a JSON pointer (RFC 6901) into the arguments or the result. */
export interface Finding extends Sighting {
  readonly at: string
}

/** Inspects one string; synchronous, linear in its length, throws nothing. */
export type Inspect = (value: string) => readonly Sighting[]

const MAX_EVIDENCE_LENGTH = 120

/** Cuts and escapes what is quoted, so that a record cannot be forged or coloured by it. */
export function evidence(text: string): string {
  const cut = text.length > MAX_EVIDENCE_LENGTH ? `${text.slice(0, MAX_EVIDENCE_LENGTH - 1)}…` : text
  return cut.replace(/[\p{C}\u2028\u2029]/gu, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`)
}
