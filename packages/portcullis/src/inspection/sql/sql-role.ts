import { evidence, type Inspect, type Sighting } from '../finding.ts'
import type { Parse } from './breakable.ts'
import type { Breach } from './breach.ts'
import { dialectFacts } from './dialect-facts.ts'
import { judgeOf } from './judge-statement.ts'
import { loadDialects, loadPostgresql } from './parsers.ts'
import { ambiguity } from './plain-text.ts'
import { postgresqlFacts } from './postgresql-facts.ts'
import { SQL_DIALECTS } from '../../core/inspection-words.ts'
import { SQL_RULES, type SqlDialect, type SqlRules } from './sql-rules.ts'

/** What callers may read about a text that was not judged at all. */
const SAYS: Readonly<Record<string, string>> = {
  'sql.too-long': 'is too long a statement',
  'sql.too-complex': 'is too complex a statement',
  'sql.unparsable': 'must be valid SQL of its database',
  'sql.several-statements': 'must be one statement',
  'sql.parser-unavailable': 'cannot be checked at the moment',
}
const SAYS_AMBIGUOUS = 'must be plain SQL: no unusual comments, escapes, quotes or characters'

/**
 * Loads the parsers of these dialects, all when none are named, and decides then, by rules, which arguments of the role `sql`
 * are refused. Whatever cannot be parsed and understood completely is a breach.
 *
 * What it returns throws TypeError for rules whose dialect was not loaded.
 */
export async function loadSqlRole(
  dialects: readonly SqlDialect[] = SQL_DIALECTS,
): Promise<(rules?: SqlRules) => Inspect> {
  const parsers = new Map<SqlDialect, Parse>()
  if (dialects.includes('postgresql')) parsers.set('postgresql', await loadPostgresql())
  const others = dialects.filter((dialect) => dialect !== 'postgresql')
  if (others.length > 0) {
    const parserOf = await loadDialects()
    for (const dialect of others) parsers.set(dialect, parserOf(dialect))
  }
  return (rules = SQL_RULES) => {
    const parse = parsers.get(rules.dialect)
    if (parse === undefined) throw new TypeError(`the parser of ${rules.dialect} is not loaded`)
    return sqlRole(rules, parse)
  }
}

function sqlRole(rules: SqlRules, parse: Parse): Inspect {
  const { dialect, maxBytes } = rules
  const judge = judgeOf(rules)
  const factsOf = dialect === 'postgresql' ? postgresqlFacts : (statement: unknown) => dialectFacts(statement, dialect)
  return (value) => {
    if (value.length > maxBytes || Buffer.byteLength(value) > maxBytes) return refused('sql.too-long', value)
    if (value.trim() === '') return refused('sql.unparsable', value)
    const ambiguous = ambiguity(value, dialect)
    if (ambiguous !== undefined) return refused(ambiguous, value)
    const parsed = parse(value)
    if ('reason' in parsed) return refused(parsed.reason, value)
    const [statement, ...more] = parsed.statements
    if (statement === undefined) return refused('sql.unparsable', value)
    if (more.length > 0) return refused('sql.several-statements', value)
    const breach = judge(factsOf(statement))
    return breach === undefined ? [] : [sighting(breach)]
  }
}

function refused(reason: string, value: string): readonly Sighting[] {
  return [sighting({ reason, says: SAYS[reason] ?? SAYS_AMBIGUOUS, evidence: value.slice(0, 200) })]
}

const sighting = ({ reason, says, evidence: shown }: Breach): Sighting => ({
  family: 'sql',
  weight: 'breach',
  reason,
  evidence: evidence(shown),
  says,
})
