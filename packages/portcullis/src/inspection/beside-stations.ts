/** Decides how strictly strings are judged that no schema of a tool describes: headers, URIs, and whatever else comes along. */
import type { PlanNode, Station } from './plan-node.ts'
import type { Sighting } from './finding.ts'
import { climbingUri } from './paths/climbing-uri.ts'
import { type VerdictRules, verdictsFor } from './verdict.ts'

/** Under this name headers are walked. */
export const HEADERS = 'headers'

/**
 * What a message carries beside its arguments is text. A header is nothing that people write freely: a strong finding in
 * one is refused unless the configuration says another word about its family.
 */
export function besideNode(text: Station, levels: readonly VerdictRules[]): PlanNode {
  const families = levels.map(({ on = {} }) => ({ on }))
  const header: Station = { ...text, judge: verdictsFor(families, 'identifier') }
  return { members: new Map([[HEADERS, { members: new Map(), inside: header }]]) }
}

/** What no honest URI of a resource has in it, whatever its scheme. Where it leads is for the policy to say. */
const CLIMBING: ReadonlySet<string> = new Set(['path.traversal', 'path.null-byte'])

/** Of the URI of a resource: text, but one that climbs is refused unless the configuration says another word about paths. */
export function uriStation(text: Station, levels: readonly VerdictRules[]): Station {
  const families = levels.map(({ on = {} }) => ({ on }))
  const strict = verdictsFor(families, 'path')
  return {
    ...text,
    inspect: (value) => withClimbing(text.inspect(value), value),
    judge: (sighting) => (CLIMBING.has(sighting.reason) ? strict(sighting) : text.judge(sighting)),
  }
}

const withClimbing = (found: readonly Sighting[], uri: string): readonly Sighting[] =>
  found.some(({ reason }) => CLIMBING.has(reason)) ? found : [...found, ...climbingUri(uri)]
