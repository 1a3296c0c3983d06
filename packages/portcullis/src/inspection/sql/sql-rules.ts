/** Which statements an argument of the role `sql` may hold; what is not said here is refused. */
import type { SQL_DIALECTS, STATEMENT_KINDS } from '../../core/inspection-words.ts'

export type SqlDialect = (typeof SQL_DIALECTS)[number]

export type StatementKind = (typeof STATEMENT_KINDS)[number]

/** Kinds that leave the database as it is. */
export const READING_KINDS: ReadonlySet<StatementKind> = new Set(['select', 'explain', 'show'])

/**
 * What a statement must be. Patterns compare without regard to case; `*` stands for any characters but a dot.
 */
export interface SqlRules {
  readonly dialect: SqlDialect
  /** The kinds that may occur anywhere in the statement, also within EXPLAIN, WITH and subqueries. */
  readonly statements: readonly StatementKind[]
  /** Refuses what writes, locks or sets anything, whatever `statements` says. */
  readonly readOnly: boolean
  /**
   * `schema.table` or `table`: a pattern matches a name of as many parts, a name without a schema also with `defaultSchema`
   * put before it. Absent: all tables but those of the database itself, which need a pattern that names them.
   */
  readonly tables?: readonly string[]
  readonly defaultSchema?: string
  /** `table.column` or `column`. A column that `deny` names is refused, even when an alias hides from which table it comes. */
  readonly columns?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] }
  /** `SELECT *` and whole rows. */
  readonly star: 'allowed' | 'refused'
  /**
   * Absent: in a read-only rule those of `known-functions.ts`, else any. `allow` closes the list and is the only way to lift a built-in refusal (by a pattern without `*`);
   * `deny` adds to it.
   */
  readonly functions?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] }
  /** Rows: the outermost query must carry a constant LIMIT, FETCH FIRST or TOP of at most so many. */
  readonly maxLimit?: number
  /** Bytes of UTF-8. */
  readonly maxBytes: number
}

/** One SELECT, read-only, of at most 16 KiB; any table but the system's. */
export const SQL_RULES = {
  dialect: 'generic',
  statements: ['select'],
  readOnly: true,
  star: 'allowed',
  maxBytes: 16 * 1024,
} as const satisfies SqlRules
