/**
 * Decides what an outside classifier adds: a text that it scores high enough gets at least the configured verdict. It raises
 * and never lowers anything: a low score undoes no other finding, and no answer is an answer of its own.
 *
 * Texts are shown in windows, because detectors miss what stands deep in a long text.
 */
import { evidence, type Sighting } from '../finding.ts'
import type { Verdict } from '../verdict.ts'
import { NOTHING_FOUND, type TextFindings, type TextInspect } from './result-text.ts'

export interface ClassifierRules {
  /** From 0 to 1; at this score and above a window counts. */
  readonly threshold: number
  /** At most 512. */
  readonly windowChars: number
  /** Less than a window. */
  readonly overlapChars: number
  readonly verdict: 'annotate' | 'ask' | 'refuse'
  /** What follows when it does not answer. */
  readonly onError: 'annotate' | 'ask' | 'refuse'
  /** A longer text is shown in part, and counts as not answered. */
  readonly maxWindows: number
}

/** Scores of texts, from 0 to 1, in their order. Rejects when they cannot be had in time. */
export type Classify = (texts: readonly string[]) => Promise<readonly number[]>

const LEAST_LENGTH = 20
const BATCH = 16
const SKIPPED: ReadonlySet<string> = new Set(['binary', 'name', 'address', 'ui', 'source'])

export function classifierInspect(classify: Classify, rules: ClassifierRules): TextInspect {
  return async ({ text, kind }) => {
    if (text.length < LEAST_LENGTH || SKIPPED.has(kind)) return NOTHING_FOUND
    const windows = windowsOf(text, rules)
    const shown = windows.slice(0, rules.maxWindows)
    try {
      const worst = await highest(classify, shown)
      if (worst.score >= rules.threshold) return found(rules.verdict, 'strong', 'classifier', worst)
    } catch {
      return found(rules.onError, 'hint', 'classifier-failed', { text, score: 0 })
    }
    return shown.length < windows.length
      ? found(rules.onError, 'hint', 'classifier-unread', { text, score: 0 })
      : NOTHING_FOUND
  }
}

/** Neighbouring parts that overlap, so that no sentence is cut in each of them. */
export function windowsOf(
  text: string,
  { windowChars, overlapChars }: Pick<ClassifierRules, 'windowChars' | 'overlapChars'>,
): readonly string[] {
  const step = windowChars - overlapChars
  const windows: string[] = []
  for (let from = 0; from === 0 || from + overlapChars < text.length; from += step)
    windows.push(text.slice(from, from + windowChars))
  return windows
}

interface Scored {
  readonly text: string
  readonly score: number
}

async function highest(classify: Classify, windows: readonly string[]): Promise<Scored> {
  let worst: Scored = { text: '', score: 0 }
  for (let from = 0; from < windows.length; from += BATCH) {
    const batch = windows.slice(from, from + BATCH)
    const scores = await classify(batch)
    if (scores.length !== batch.length) throw new TypeError('another number of scores than of texts')
    for (const [index, score] of scores.entries()) {
      if (!(score >= 0 && score <= 1)) throw new TypeError('a score is none')
      if (score > worst.score) worst = { text: batch[index] as string, score }
    }
  }
  return worst
}

function found(least: Verdict, weight: Sighting['weight'], reason: string, { text, score }: Scored): TextFindings {
  const shown = weight === 'strong' ? `${score.toFixed(3)} ${text}` : 'no answer'
  return { least, sightings: [{ family: 'prompt', weight, reason: `prompt.${reason}`, evidence: evidence(shown) }] }
}
