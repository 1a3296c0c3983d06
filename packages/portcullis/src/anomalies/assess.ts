/** How unusual a subject is now, from 0 to 100, and the reasons: what was seen, what was expected, and what each weighs. */
import { LEVELS, type Level } from '../core/anomaly-words.ts'
import { f32At, type Place, SERIES, type SeriesName, seriesAt, u32At, WORD } from './layout.ts'
import { usualOf, valueOf, weightOf } from './series.ts'

/** Beyond what is counted: failures as a ratio, tools that nobody should call, and failed sign-ins of an address. */
export type ReasonName = SeriesName | 'failures' | 'canary' | 'failed-sign-ins'

export interface Reason {
  readonly reason: ReasonName
  /** A count that fades over the window, bytes, or a ratio. */
  readonly observed: number
  /** The usual peak of such a window, the usual ratio, or the most that a rule allows. */
  readonly expected: number
  /** From 0 to 100. */
  readonly weight: number
  readonly windowSeconds?: number
}

export interface Assessment {
  /** Whole, from 0 to 100. */
  readonly score: number
  /** Absent below the first threshold. */
  readonly level?: Level
  /** The heaviest first. */
  readonly reasons: readonly Reason[]
}

/** The score from which on each level begins; they rise. */
export type Thresholds = Readonly<Record<Level, number>>

export interface AssessRules {
  readonly levels: Thresholds
  /** How much must be seen of a subject before it is judged by what is usual for it. */
  readonly learning: { readonly days: number; readonly calls: number }
  /** Refusals of a principal within a minute that nobody has by accident. */
  readonly deniedPerMinute: number
}

const DENIED = seriesAt('denied')

/** Whether enough was seen of it: on so many days, and so many calls. */
export const isKnown = (place: Place, { learning }: Pick<AssessRules, 'learning'>): boolean =>
  u32At(place, WORD.calls) >= learning.calls && u32At(place, WORD.days) >= learning.days

/**
 * After `advance` and `learn…` of the same instant. The same record gives the same score. Most calls are not unusual at all, so
 * reasons are only made for those that are.
 */
export function assess(place: Place, rules: AssessRules): Assessment {
  const known = isKnown(place, rules)
  let calm = 1 - failureWeight(place, known) / 100
  let heaviest = 0
  for (let at = 0; at < SERIES.length; at++) {
    // Of several windows of one name only the heaviest counts: they see the same calls.
    if (at > 0 && SERIES[at]?.name !== SERIES[at - 1]?.name) {
      calm *= 1 - heaviest / 100
      heaviest = 0
    }
    heaviest = Math.max(heaviest, weightAt(place, at, rules, known))
  }
  calm *= 1 - heaviest / 100
  if (calm === 1) return CALM
  const score = Math.round(100 * (1 - calm))
  return { score, ...levelMember(score, rules.levels), reasons: reasonsOf(place, rules, known) }
}

const CALM: Assessment = { score: 0, reasons: [] }

/** Many denials are too many, whatever is usual. */
function weightAt(place: Place, at: number, { deniedPerMinute }: AssessRules, known: boolean): number {
  const weight = weightOf(place, at, known)
  return at === DENIED ? Math.max(weight, burstWeight(valueOf(place, at), deniedPerMinute)) : weight
}

/** A score that rests on one reason alone. */
export function assessOne(reason: Reason, levels: Thresholds): Assessment {
  const score = Math.round(reason.weight)
  return { score, ...levelMember(score, levels), reasons: [reason] }
}

function levelMember(score: number, levels: Thresholds): { readonly level?: Level } {
  const level = LEVELS.findLast((one) => score >= levels[one])
  return level === undefined ? {} : { level }
}

const LEAST_RATIO = 0.3
const FAIL_MOST = 65
const JUDGED = 50
/** How far a ratio over the last calls strays by chance: the variance of such a mean, of one call. */
const STRAY = 1 / 31

/** Many failures all of a sudden: a ratio over some sixteen calls, beside that over some four hundred. */
function failureWeight(place: Place, known: boolean): number {
  const fast = f32At(place, WORD.failFast)
  if (!known || fast < LEAST_RATIO || u32At(place, WORD.judged) < JUDGED) return 0
  const slow = f32At(place, WORD.failSlow)
  const deviation = Math.sqrt(Math.max(slow * (1 - slow), 0.02) * STRAY)
  return FAIL_MOST * Math.min(1, Math.max(0, ((fast - slow) / deviation - 5) / 8))
}

/** From 60 at the limit to 95; it holds for whoever is not known yet as well. */
export const burstWeight = (count: number, limit: number): number =>
  count < limit ? 0 : Math.min(95, (60 * count) / limit)

function reasonsOf(place: Place, rules: AssessRules, known: boolean): readonly Reason[] {
  const reasons = SERIES.map(({ name, windowMs }, at): Reason => {
    const weight = Math.round(weightAt(place, at, rules, known))
    // Whoever is not known yet has nothing usual; the rule that spoke is the one with a limit.
    const expected = known ? usualOf(place, at) : at === DENIED ? rules.deniedPerMinute : 0
    const observed = tidy(valueOf(place, at))
    return { reason: name, observed, expected: tidy(expected), weight, windowSeconds: windowMs / 1_000 }
  })
  const [fast, slow] = [f32At(place, WORD.failFast), f32At(place, WORD.failSlow)]
  const failing = Math.round(failureWeight(place, known))
  reasons.push({ reason: 'failures', observed: tidy(fast), expected: tidy(slow), weight: failing })
  return reasons
    .filter(({ weight }) => weight > 0)
    .toSorted((one, other) => other.weight - one.weight || (one.reason < other.reason ? -1 : 1))
}

/** Three digits that mean something. */
const tidy = (value: number): number => Number(value.toPrecision(3))
