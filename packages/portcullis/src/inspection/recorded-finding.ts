/** What of a finding is written down: bounded in number and length, the deciding ones first. */
import type { Family, Sighting, Weight } from './finding.ts'
import { type Place, stricter, type Verdict } from './verdict.ts'

/** One finding as it stands in an audit record. It never leaves the gateway. */
export interface RecordedFinding {
  /** JSON pointer (RFC 6901) into the arguments or the result, at most 256 characters. */
  readonly at: string
  readonly place: Place
  readonly family: Family
  readonly weight: Weight
  readonly reason: string
  /** What followed; with `shadow`, what would have. */
  readonly verdict: Verdict
  readonly shadow?: true
  readonly view?: string
  /** At most 240 characters, control characters escaped. */
  readonly evidence: string
}

/** Of one call and of one result. */
const MAX_RECORDED = 16
const MAX_POINTER_LENGTH = 256
const MAX_VIEW_LENGTH = 64
/** Escapes may have made it longer than what was quoted. */
const MAX_EVIDENCE_LENGTH = 240

/** What was found where, before it is written down. */
export interface Found {
  readonly at: string
  readonly place: Place
  readonly sighting: Sighting
  readonly verdict: Verdict
}

/** The first of the strictest; whatever more there is tells nothing new. */
export function recorded(found: readonly Found[], shadow: boolean): readonly RecordedFinding[] {
  return found
    .toSorted((a, b) => (a.verdict === b.verdict ? 0 : stricter(a.verdict, b.verdict) === a.verdict ? -1 : 1))
    .slice(0, MAX_RECORDED)
    .map(({ at, place, verdict, sighting: { family, weight, reason, view, evidence } }) => ({
      at: at.slice(0, MAX_POINTER_LENGTH),
      place,
      family,
      weight,
      reason,
      verdict,
      ...(shadow && { shadow: true as const }),
      ...(view !== undefined && { view: view.slice(0, MAX_VIEW_LENGTH) }),
      evidence: evidence.slice(0, MAX_EVIDENCE_LENGTH),
    }))
}

/** The strictest verdict, or `allow` when nothing was found. */
export const worst = (found: readonly { readonly verdict: Verdict }[]): Verdict =>
  found.reduce<Verdict>((strictest, { verdict }) => stricter(strictest, verdict), 'allow')
