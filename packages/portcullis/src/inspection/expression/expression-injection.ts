/**
 * Decides whether a value would be evaluated: by a template engine, a look-up of a logger, a query language, an XML parser, or by
 * what splits headers and mail at line ends. Only forms are listed that a value has by no chance; a placeholder such as
 * `{{name}}` or `${name}` is none of them.
 */
import { evidence, type Inspect, type Sighting } from '../finding.ts'
import { gated } from '../../core/gated-rules.ts'
import { handedValue } from '../views/handed-value.ts'
import { cellsWithin } from '../views/values-within.ts'
import { CODE_RULES } from './code-rules.ts'
import { PROTOCOL_RULES } from './protocol-rules.ts'
import { TEMPLATE_RULES } from './template-rules.ts'

const firstMatch = gated([...TEMPLATE_RULES, ...PROTOCOL_RULES, ...CODE_RULES])

/** Raw or decoded text; give it `inViews`. */
export const expressionInjection: Inspect = (value) => {
  const match = firstMatch(value) ?? inParts(value)
  if (match === undefined) return NOTHING
  const { reason, weight = 'strong' } = match.rule
  return [{ family: 'expression', weight, reason: `expression.${reason}`, evidence: evidence(match.found) }]
}

/** What a sentence hands on, and what stands in JSON or a table, is evaluated as if it came alone. */
function inParts(value: string): ReturnType<typeof firstMatch> {
  const handed = handedValue(value)
  const found = handed === undefined ? undefined : firstMatch(handed)
  if (found !== undefined) return found
  for (const cell of cellsWithin(value)) {
    const within = firstMatch(cell)
    if (within !== undefined) return within
  }
  return undefined
}

const NOTHING: readonly Sighting[] = []
