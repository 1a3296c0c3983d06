/** What follows from a finding: the nearest word of the configuration, else a safe default for the role. */
import { NARROW_ROLES, type PLACES, VERDICTS } from '../core/inspection-words.ts'
import type { Family, Sighting, Weight } from './finding.ts'

/**
 * - `allow`: passes and is not recorded.
 * - `annotate`: passes and is recorded.
 * - `mask`: passes without what was found.
 * - `ask`: passes when a person says so.
 * - `refuse`: does not pass.
 */
export type Verdict = (typeof VERDICTS)[number]

/** Where something was found: an argument by its role, or a result. */
export type Place = (typeof PLACES)[number]

export type Weights = Readonly<Partial<Record<Weight, Verdict>>>

/** What one level of the configuration says: for all tools, one upstream, or one tool. */
export interface VerdictRules {
  /** `shadow` records what would have happened and lets everything pass. */
  readonly mode?: 'enforce' | 'shadow'
  readonly on?: Readonly<Partial<Record<Family, Weights>>>
  readonly roles?: Readonly<Partial<Record<Place, Weights>>>
}

const NARROW: ReadonlySet<Place> = new Set(NARROW_ROLES)

/** Of these a result is cleaned and not only noted: who displays it would run it, and what is taken out is no word of it. */
const CLEANED: ReadonlySet<Family> = new Set(['markup', 'characters'])

/** What follows when nobody says anything else. */
export function defaultVerdict(place: Place, weight: Weight, family?: Family): Verdict {
  if (weight === 'breach') return 'refuse'
  if (place === 'result' && weight === 'strong' && family !== undefined && CLEANED.has(family)) return 'mask'
  return weight === 'strong' && NARROW.has(place) ? 'refuse' : 'annotate'
}

/** The verdict about a sighting in one place. `levels` from the nearest to the farthest; a family speaks before a role. */
export function verdictsFor(levels: readonly VerdictRules[], place: Place): (sighting: Sighting) => Verdict {
  return ({ family, weight }) => {
    for (const { on, roles } of levels) {
      const verdict = on?.[family]?.[weight] ?? roles?.[place]?.[weight]
      if (verdict !== undefined) return verdict
    }
    return defaultVerdict(place, weight, family)
  }
}

/** The nearest mode. */
export const isShadow = (levels: readonly VerdictRules[]): boolean =>
  levels.find(({ mode }) => mode !== undefined)?.mode === 'shadow'

export const stricter = (one: Verdict, other: Verdict): Verdict =>
  VERDICTS.indexOf(one) >= VERDICTS.indexOf(other) ? one : other
