import { matchesPart } from '../../core/name-part.ts'
import type { Breach, Judge } from './breach.ts'
import { type NamePattern, namePattern } from './name-pattern.ts'
import type { SqlRules } from './sql-rules.ts'
import type { StatementFacts } from './statement-facts.ts'

/**
 * Decides whether all columns of a statement may be used. Names are not resolved as a database would: where it is not sure
 * whose column is meant, it could be that of each table of the statement. Rules for columns refuse `*`, which would evade them.
 */
export function judgeColumns({ columns, star }: SqlRules): Judge {
  const deny = columns?.deny?.map(namePattern) ?? []
  const allow = columns?.allow?.map(namePattern)
  const named = allow !== undefined || deny.length > 0
  const whole = named || star === 'refused'
  return (facts) => {
    if (!whole) return undefined
    if (named && facts.effects.has('double-quoted')) return DOUBLE_QUOTED
    if (facts.star || facts.columns.some((name) => isWholeRow(name, facts))) return STAR
    const wrong = facts.columns.find(
      (name) => isDenied(deny, name, facts) || (allow !== undefined && !isAllowed(allow, name, facts)),
    )
    if (wrong === undefined) return undefined
    return { reason: 'sql.column', says: 'must not use that column', evidence: wrong.join('.') }
  }
}

const STAR: Breach = { reason: 'sql.star', says: 'must name its columns instead of *', evidence: '*' }

/** What is a string to one server is a column to the next. */
const DOUBLE_QUOTED: Breach = {
  reason: 'sql.ambiguous-quote',
  says: 'must write strings in single quotes',
  evidence: '"',
}

/** `SELECT users FROM users` is a row of PostgreSQL with all that is in it. */
const isWholeRow = (name: readonly string[], { sources }: StatementFacts): boolean =>
  name.length === 1 && [...(sources.get((name[0] as string).toLowerCase()) ?? [])].some((table) => table !== null)

/** Any of its words could be the column: `a.b.c` is schema, table and column, or table, column and field. */
function isDenied(deny: readonly NamePattern[], name: readonly string[], facts: StatementFacts): boolean {
  return deny.some(({ parts }) => {
    const column = parts.at(-1) as string
    if (!name.some((word) => matchesPart(column, word))) return false
    const table = parts.at(-2)
    return table === undefined || tablesOf(facts).some((known) => matchesPart(table, known))
  })
}

function isAllowed(allow: readonly NamePattern[], name: readonly string[], facts: StatementFacts): boolean {
  const column = name.at(-1) as string
  const known = name.length > 1 ? facts.sources.get((name.at(-2) as string).toLowerCase()) : undefined
  // What a subquery yields was judged inside of it.
  if (known !== undefined && known.size === 1 && known.has(null)) return true
  const owners = known === undefined || known.has(null) ? tablesOf(facts) : [...known].filter((table) => table !== null)
  return owners.every((owner) => allow.some((pattern) => permits(pattern, owner, column)))
}

function permits({ parts }: NamePattern, owner: string, column: string): boolean {
  const table = parts.at(-2)
  return matchesPart(parts.at(-1) as string, column) && (table === undefined || matchesPart(table, owner))
}

const tablesOf = ({ tables }: StatementFacts): readonly string[] => tables.map((name) => name.at(-1) ?? '')
