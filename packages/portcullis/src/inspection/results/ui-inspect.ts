/**
 * Decides about programs for the sandboxed frame of a client (MCP Apps). They are meant to run, so nothing is taken out of
 * them: they pass and are on record, or they do not pass. As source they pass with another media type.
 */
import { evidence } from '../finding.ts'
import type { ResultSettings } from './result-settings.ts'
import { NOTHING_FOUND, type TextInspect } from './result-text.ts'

export function uiInspect(ui: ResultSettings['ui']): TextInspect {
  const weight = ui === 'refuse' ? 'breach' : 'hint'
  return ({ kind, text }) =>
    kind === 'ui'
      ? {
          sightings: [
            { family: 'markup', weight, reason: 'markup.ui', evidence: evidence(text), says: 'is a program' },
          ],
        }
      : NOTHING_FOUND
}
