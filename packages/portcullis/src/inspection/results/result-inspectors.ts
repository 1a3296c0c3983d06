/** All that looks at a text of a result, in this order: what takes a text apart comes after what reads it as it is. */
import type { Inspect, Sighting } from '../finding.ts'
import { characterInspect } from './character-inspect.ts'
import { markupInspect } from './markup-inspect.ts'
import { promptInspect } from './prompt-inspect.ts'
import type { ResultSettings } from './result-settings.ts'
import { NOTHING_FOUND, type TextFindings, type TextInspect } from './result-text.ts'
import { secretInspect } from './secret-inspect.ts'
import { inSlices, REACH } from './slices.ts'
import { uiInspect } from './ui-inspect.ts'

export interface ResultParts {
  /** See `canaries.ts`; absent when there are none. */
  readonly canary?: Inspect
  /** See `classifier.ts`; absent when none is configured. */
  readonly classifier?: TextInspect
}

/** For one tool. Evidence is looked for before anything is cleaned, because what hides it is evidence too. */
export function resultInspectors({ canary, classifier }: ResultParts, { ui }: ResultSettings): readonly TextInspect[] {
  return [
    ...(canary === undefined ? [] : [asText(canary)]),
    uiInspect(ui),
    promptInspect,
    ...(classifier === undefined ? [] : [classifier]),
    secretInspect,
    characterInspect,
    markupInspect,
  ]
}

const asText =
  (inspect: Inspect): TextInspect =>
  ({ text }) => {
    const found: Sighting[] = []
    const done = inSlices(text.length, (from, to) => {
      if (found.length === 0) found.push(...inspect(text.slice(from, to + REACH)))
    })
    const settle = (): TextFindings => (found.length === 0 ? NOTHING_FOUND : { sightings: found })
    return done === undefined ? settle() : done.then(settle)
  }
