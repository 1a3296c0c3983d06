/** What judges of statements say, and what they are. */
import type { StatementFacts } from './statement-facts.ts'

/** A rule that is broken: a stable reason, words for the caller that quote nothing, and what shows it, for operators. */
export interface Breach {
  readonly reason: string
  readonly says: string
  readonly evidence: string
}

export type Judge = (facts: StatementFacts) => Breach | undefined
