import { matchesPart } from '../../core/name-part.ts'
import type { Breach, Judge } from './breach.ts'
import { matchesName, type NamePattern, namePattern } from './name-pattern.ts'
import type { SqlRules } from './sql-rules.ts'

/** Schemas and tables in which databases keep themselves: accounts, settings, the text of other people's queries. */
const SYSTEM_SCHEMAS = [
  'information_schema',
  'pg_*',
  'mysql',
  'performance_schema',
  'sys',
  'master',
  'msdb',
  'model',
  'tempdb',
  'system',
  'snowflake',
  'region-*',
]
const SYSTEM_TABLES = [
  'pg_*',
  'sqlite_*',
  'pragma_*',
  'fsdir',
  'lsdir',
  'zipfile',
  'dbstat',
  'sys*objects',
  'syslogins',
  'sysusers',
  'syscolumns',
  'sysdatabases',
  'syscomments',
  'sysprocesses',
  'dba_*',
  'all_*',
  'user_*',
  'v$*',
  'gv$*',
  '__tables__',
  'stl_*',
  'svv_*',
  'svl_*',
  'stv_*',
  'duckdb_*',
]

/** What no table is called, but a file, an address, a stage or a path in a data lake is. */
const NOT_A_NAME = /[^\p{L}\p{M}\p{N}_$# -]|^[ -]|^$/u

/** Decides whether all tables of a statement may be used. */
export function judgeTables({ tables, defaultSchema, dialect }: SqlRules): Judge {
  const patterns = tables?.map(namePattern)
  const oracle = dialect === 'oracle'
  return (facts) => {
    for (const name of facts.tables) {
      const full = name.length === 1 && defaultSchema !== undefined ? [defaultSchema, ...name] : name
      const matching = patterns?.filter((pattern) => matchesName(pattern, name) || matchesName(pattern, full)) ?? []
      if (name.some((part) => NOT_A_NAME.test(part))) return breach(name, 'sql.table-name')
      if (patterns !== undefined && matching.length === 0) return breach(name, 'sql.table')
      if (isSystem(name, oracle) && !matching.some((pattern) => meansSystem(pattern, oracle)))
        return breach(name, 'sql.system-table')
    }
    return undefined
  }
}

const breach = (name: readonly string[], reason: string): Breach => ({
  reason,
  says: 'must not use that table',
  evidence: name.join('.'),
})

/** Oracle's dictionary views have names that others give to ordinary tables. */
function isSystem(name: readonly string[], oracle: boolean): boolean {
  const table = name.at(-1) ?? ''
  const common = SYSTEM_TABLES.filter((pattern) => oracle || !ORACLE_ONLY.has(pattern))
  return (
    common.some((pattern) => matchesPart(pattern, table)) ||
    name.slice(0, -1).some((schema) => SYSTEM_SCHEMAS.some((pattern) => matchesPart(pattern, schema)))
  )
}

const ORACLE_ONLY: ReadonlySet<string> = new Set(['dba_*', 'all_*', 'user_*'])

/** `*` never means what belongs to the database itself: that must be written out. */
const meansSystem = ({ parts }: NamePattern, oracle: boolean): boolean =>
  isSystem(
    parts.map((part) => part.replaceAll('*', 'x')),
    oracle,
  )
