/** Decides whether a text holds credentials, and takes them out one by one, so that the rest stays of use. */
import type { Sighting, Weight } from '../finding.ts'
import { NOTHING_FOUND, type TextFindings, type TextInspect } from './result-text.ts'
import type { SecretRule } from '../../core/recognise/secret-rule.ts'
import { scanSecrets } from '../../core/recognise/secrets.ts'
import { inSlices } from './slices.ts'

const LEAST_LENGTH = 16
const MAX_SIGHTINGS = 8

export const secretInspect: TextInspect = ({ text, kind }) => {
  if (text.length < LEAST_LENGTH || kind === 'binary') return NOTHING_FOUND
  const found: Found[] = []
  const done = inSlices(text.length, (from, to) =>
    scanSecrets(text, from, to, (rule, start, end) => void found.push({ rule, start, end })),
  )
  const settle = () => findings(text, told(found))
  return done === undefined ? settle() : done.then(settle)
}

interface Found {
  readonly rule: SecretRule
  readonly start: number
  readonly end: number
}

/** What a context makes probable is not told of what has a form of its own. */
function told(found: readonly Found[]): ReadonlySet<SecretRule> {
  const hits = new Set<SecretRule>()
  let reached = 0
  // At one place a form comes first.
  const inOrder = found.toSorted((one, other) => one.start - other.start || Number(isForm(other)) - Number(isForm(one)))
  for (const one of inOrder) {
    if (isForm(one)) reached = Math.max(reached, one.end)
    else if (one.start < reached) continue
    hits.add(one.rule)
  }
  return hits
}

const isForm = ({ rule }: Found): boolean => rule.weight === 'strong'

function findings(text: string, hits: ReadonlySet<SecretRule>): TextFindings {
  if (hits.size === 0) return NOTHING_FOUND
  const sightings = [...hits].slice(0, MAX_SIGHTINGS).map(sighting)
  return {
    sightings,
    clean: (weights: ReadonlySet<Weight>) =>
      [...hits].filter(({ weight }) => weights.has(weight)).reduce((left, rule) => without(left, rule), text),
  }
}

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
