import { matchesPart } from '../../core/name-part.ts'
import type { Breach, Judge } from './breach.ts'
import { isDeniedFunction } from '../../core/denied-functions.ts'
import { judgeColumns } from './judge-columns.ts'
import { judgeTables } from './judge-tables.ts'
import { isKnownField, isKnownFunction } from './known-functions.ts'
import { matchesName, type NamePattern, namePattern } from './name-pattern.ts'
import { READING_KINDS, type SqlRules } from './sql-rules.ts'
import type { Effect } from './statement-facts.ts'

/** Decides whether a statement keeps the rules; the first broken one is told. */
export function judgeOf(rules: SqlRules): Judge {
  const judges = [
    judgeKind(rules),
    judgeEffects(rules),
    judgeFunctions(rules),
    judgeTables(rules),
    judgeColumns(rules),
    judgeAttributes(rules),
    judgeLimit(rules),
  ]
  return (facts) => {
    if (facts.unknown !== undefined) return unknown(facts.unknown)
    for (const judge of judges) {
      const breach = judge(facts)
      if (breach !== undefined) return breach
    }
    return undefined
  }
}

const unknown = (what: string): Breach => ({
  reason: 'sql.unknown-part',
  says: 'must not use a part of SQL that cannot be judged',
  evidence: what,
})

function judgeKind({ statements, readOnly }: SqlRules): Judge {
  const allowed = statements.filter((kind) => !readOnly || READING_KINDS.has(kind))
  const says = `must be one statement of these kinds: ${allowed.join(', ')}`
  return ({ kinds }) => {
    const wrong = kinds.find((kind) => kind === undefined || !allowed.includes(kind))
    if (kinds.length > 0 && wrong === undefined) return undefined
    return { reason: 'sql.statement-kind', says, evidence: wrong ?? 'other' }
  }
}

const READ_ONLY_EFFECTS: readonly (readonly [Effect, string])[] = [
  ['into', 'must not write its rows anywhere'],
  ['lock', 'must not lock rows'],
  ['assignment', 'must not set variables'],
]

function judgeEffects({ readOnly }: SqlRules): Judge {
  const refused: readonly (readonly [Effect, string])[] = [
    ['operator', 'must not use operators of a schema or of a user'],
    ['reserved-alias', 'must not name anything after a statement'],
    ...(readOnly ? READ_ONLY_EFFECTS : []),
  ]
  return ({ effects }) => {
    const found = refused.find(([effect]) => effects.has(effect))
    return found === undefined ? undefined : { reason: `sql.${found[0]}`, says: found[1], evidence: found[0] }
  }
}

/** Without a list, who only reads may call what is known to compute; who may write can change the data anyway. */
function judgeFunctions(rules: SqlRules): Judge {
  const breach = functionBreach(rules, isKnownFunction)
  return ({ functions }) => firstBreach(functions, breach)
}

/** Where no column has the name, PostgreSQL calls the function: `f.refund` is `refund(f)` when `f` is a number. */
function judgeAttributes(rules: SqlRules): Judge {
  const breach = functionBreach(rules, (name) => isKnownFunction(name) || isKnownField(name))
  return ({ attributes }) => firstBreach(attributes, breach)
}

type Names = readonly string[]

function functionBreach({ functions, readOnly }: SqlRules, isKnown: (name: Names) => boolean) {
  const allow = functions?.allow?.map(namePattern)
  const named = new Set(allow?.flatMap(({ text }) => (text.includes('*') ? [] : [text])))
  const deny = functions?.deny?.map(namePattern) ?? []
  return (name: Names): Breach | undefined => {
    const text = name.join('.').toLowerCase()
    const allowed = allow?.some((pattern) => matchesFunction(pattern, name)) ?? (!readOnly || isKnown(name))
    const refused =
      deny.some((pattern) => matchesFunction(pattern, name)) || (!named.has(text) && isDeniedFunction(name))
    if (allowed && !refused) return undefined
    return { reason: 'sql.function', says: 'must not call that function', evidence: text }
  }
}

function firstBreach(names: readonly Names[], breachOf: (name: Names) => Breach | undefined): Breach | undefined {
  for (const name of names) {
    const found = breachOf(name)
    if (found !== undefined) return found
  }
  return undefined
}

/** A pattern without a dot means the function in any schema. */
const matchesFunction = (pattern: NamePattern, name: readonly string[]): boolean =>
  matchesName(pattern, name) || (pattern.parts.length === 1 && matchesPart(pattern.text, name.at(-1) ?? ''))

function judgeLimit({ maxLimit }: SqlRules): Judge {
  if (maxLimit === undefined) return () => undefined
  const says = `must end with a LIMIT of at most ${maxLimit} rows`
  return ({ kinds, limit }) => {
    if (kinds[0] !== 'select' && !kinds.every((kind) => kind === 'select')) return undefined
    if (typeof limit === 'number' && limit >= 0 && limit <= maxLimit) return undefined
    return { reason: 'sql.limit', says, evidence: String(limit) }
  }
}
