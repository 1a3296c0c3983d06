/** Decides whether a dotted name of SQL is one that a pattern means: without regard to case, `*` within one part. */
import { matchesPart } from '../../core/name-part.ts'

export interface NamePattern {
  /** As configured, in lower case. */
  readonly text: string
  readonly parts: readonly string[]
}

export function namePattern(text: string): NamePattern {
  const lower = text.toLowerCase()
  return { text: lower, parts: lower.split('.') }
}

export function matchesName({ parts }: NamePattern, name: readonly string[]): boolean {
  return parts.length === name.length && parts.every((part, index) => matchesPart(part, name[index] as string))
}
