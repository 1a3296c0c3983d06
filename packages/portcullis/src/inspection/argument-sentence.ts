import { isRecord, type Params } from '../mcp/message.ts'
import type { Violation } from './schema-compiler.ts'

/**
 * Says which argument is wrong and how, in one sentence that a model can act upon.
 *
 * It repeats names and what the approved schema demands, never a value of the caller; all of it shortened and printable,
 * because the sentence ends in a model's context and in logs.
 */
export function argumentSentence(violations: readonly Violation[]): string {
  const violation = mostTelling(violations)
  if (violation === undefined) return 'The arguments are not valid.'
  const { keyword, instancePath, params } = violation
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownArgument(violation, String(params['additionalProperty'] ?? params['unevaluatedProperty']))
    case 'required':
      return `Argument ${quoted(instancePath, String(params['missingProperty']))} is required.`
    case 'propertyNames':
      return `Argument name ${quoted(instancePath, String(params['propertyName']))} is not allowed.`
    case 'dependentRequired':
    case 'dependencies':
      return `Argument ${quoted(instancePath, String(params['missingProperty']))} is required with ${quoted(instancePath, String(params['property']))}.`
    default:
      return `${subject(instancePath)} ${demand(violation)}.`
  }
}

/** What the audit record may hold: where and which rule, no value. */
export function violationDetail(violations: readonly Violation[]): {
  readonly pointer: string
  readonly keyword: string
} {
  const violation = mostTelling(violations)
  return { pointer: printable(violation?.instancePath ?? '', 256), keyword: violation?.keyword ?? 'unknown' }
}

/** Of the branches of a choice, the one that got furthest into the value tells most. */
function mostTelling(violations: readonly Violation[]): Violation | undefined {
  const last = violations.at(-1)
  if (last?.keyword !== 'anyOf' && last?.keyword !== 'oneOf') return last
  const depth = (violation: Violation) => violation.instancePath.split('/').length
  const deepest = violations.reduce((best, violation) => (depth(violation) > depth(best) ? violation : best), last)
  if (deepest !== last) return deepest
  const undeclared = violations.filter(({ keyword }) => keyword === 'additionalProperties')
  return undeclared.length > 0 && undeclared.length === violations.length - 1 ? undeclared[0] : last
}

function unknownArgument({ instancePath, parentSchema }: Violation, name: string): string {
  const near = nearest(name, declaredNames(parentSchema))
  const hint = near === undefined ? '' : `; did you mean ${quoted(instancePath, near)}?`
  return `Unknown argument ${quoted(instancePath, name)}${hint === '' ? '.' : hint}`
}

function demand({ keyword, params, message }: Violation): string {
  switch (keyword) {
    case 'type':
      return `must be ${printable([params['type']].flat().join(' or '), 64)}`
    case 'enum':
      return `must be one of ${listed(params['allowedValues'])}`
    case 'const':
      return `must be ${listed([params['allowedValue']])}`
    case 'anyOf':
    case 'oneOf':
      return 'must have one of the declared forms'
    case 'if':
      return 'must meet the condition that its schema declares'
    case 'false schema':
      return 'is not allowed'
    default:
      return printable(message ?? 'is not valid', 160)
  }
}

function listed(values: unknown): string {
  const all = Array.isArray(values) ? values : []
  const some = all.slice(0, 10).map((value) => printable(JSON.stringify(value) ?? '', 64))
  return some.join(', ') + (all.length > some.length ? ', …' : '')
}

const subject = (pointer: string): string => (pointer === '' ? 'The arguments' : `Argument ${quoted(pointer)}`)

/** A top-level argument by its name, a deeper one by its JSON pointer (RFC 6901). */
export function quoted(pointer: string, name?: string): string {
  const tokens = pointer.split('/').slice(1)
  if (name !== undefined) tokens.push(name.replaceAll('~', '~0').replaceAll('/', '~1'))
  const only = tokens.length === 1 ? (tokens[0] as string).replaceAll('~1', '/').replaceAll('~0', '~') : undefined
  return `"${
    only === undefined
      ? tokens
          .map((token) => `/${printable(token, 64)}`)
          .join('')
          .slice(0, 256)
      : printable(only, 64)
  }"`
}

/** Letters, digits, marks and plain punctuation; what could end a sentence, a line or a direction of writing is cut. */
function printable(text: string, maxCharacters: number): string {
  const clean = text.slice(0, maxCharacters * 2).replace(/[^\p{L}\p{N}\p{M}\p{P}\p{S} ]/gu, '?')
  const characters = Array.from(clean)
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join('')}…` : clean
}

function declaredNames(schema: Params | undefined): string[] {
  if (schema === undefined) return []
  const branches = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) =>
    Array.isArray(schema[keyword]) ? schema[keyword] : [],
  )
  return [schema, ...branches.filter(isRecord)].flatMap(({ properties }) =>
    isRecord(properties) ? Object.keys(properties) : [],
  )
}

function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > 64) return undefined
  let best: string | undefined
  let least = Math.min(2, Math.floor(name.length / 2)) + 1
  for (const candidate of candidates.slice(0, 200)) {
    const distance =
      Math.abs(candidate.length - name.length) < least ? edits(name.toLowerCase(), candidate.toLowerCase()) : least
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Levenshtein distance. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const swap = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
