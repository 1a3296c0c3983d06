/** Decides whether a text holds credentials, and takes them out one by one, so that the rest stays of use. */
import { candidatesOf } from '../../core/gated-rules.ts'
import type { Sighting, Weight } from '../finding.ts'
import { NOTHING_FOUND, type TextFindings, type TextInspect } from './result-text.ts'
import type { SecretRule } from '../../core/recognise/secret-rule.ts'
import { SECRET_RULES } from '../../core/recognise/secret-rules.ts'
import { inSlices, REACH } from './slices.ts'

const LEAST_LENGTH = 16
const MAX_SIGHTINGS = 8
const candidates = candidatesOf(SECRET_RULES)

export const secretInspect: TextInspect = ({ text, kind }) => {
  if (text.length < LEAST_LENGTH || kind === 'binary') return NOTHING_FOUND
  const hits = new Set<SecretRule>()
  const done = inSlices(text.length, (from, to) => {
    const slice = text.slice(from, to + REACH)
    for (const at of candidates(slice)) {
      const rule = SECRET_RULES[at] as SecretRule
      if (!hits.has(rule) && isIn(slice, rule)) hits.add(rule)
    }
  })
  const settle = () => findings(text, hits)
  return done === undefined ? settle() : done.then(settle)
}

function findings(text: string, hits: ReadonlySet<SecretRule>): TextFindings {
  if (hits.size === 0) return NOTHING_FOUND
  const sightings = [...hits].slice(0, MAX_SIGHTINGS).map(sighting)
  return {
    sightings,
    clean: (weights: ReadonlySet<Weight>) =>
      [...hits].filter(({ weight }) => weights.has(weight)).reduce((left, rule) => without(left, rule), text),
  }
}

function isIn(slice: string, { pattern, check }: SecretRule): boolean {
  for (const match of slice.matchAll(pattern)) if (check === undefined || check(secretOf(match))) return true
  return false
}

const secretOf = (match: RegExpMatchArray | RegExpExecArray): string => match.groups?.['secret'] ?? match[0]

function without(text: string, { reason, pattern, check }: SecretRule): string {
  return text.replace(pattern, (...args) => {
    const [whole] = args as [string]
    const groups = args.at(-1) as Readonly<Record<string, string>> | string
    const secret = (typeof groups === 'object' ? groups['secret'] : undefined) ?? whole
    return check !== undefined && !check(secret) ? whole : whole.replace(secret, () => `[masked ${reason}]`)
  })
}

/** The record says which kind and never which one: it is kept for years. */
const sighting = ({ reason, weight }: SecretRule): Sighting => ({
  family: 'secret',
  weight,
  reason: `secret.${reason}`,
  evidence: '[secret]',
})
