/** Decides the words of the inspection, which the configuration and the rooms that it is for have in common. */

/** What an argument may mean to its tool. */
export const ROLES = [
  'identifier',
  'text',
  'path',
  'url',
  'host',
  'sql',
  'shell',
  'html',
  'code',
  'number',
  'expression',
  'secret',
] as const

/** Values of these have a narrow form, so that a strong finding is no honest value. In the others people write freely. */
export const NARROW_ROLES = ['identifier', 'path', 'url', 'host', 'number', 'secret', 'expression'] as const

/** Where something may be found. */
export const PLACES = [...ROLES, 'result'] as const

/** What may be found in arguments and results. */
export const FAMILIES = [
  'sql',
  'command',
  'markup',
  'path',
  'url',
  'expression',
  'secret',
  'characters',
  'prompt',
] as const

/** From the mildest to the strictest. */
export const VERDICTS = ['allow', 'annotate', 'mask', 'ask', 'refuse'] as const

/** The databases whose language is parsed. `postgresql` by PostgreSQL's own parser, all others by one that knows their dialects. */
export const SQL_DIALECTS = [
  'postgresql',
  'mysql',
  'sqlite',
  'mssql',
  'oracle',
  'bigquery',
  'snowflake',
  'redshift',
  'databricks',
  'spark',
  'hive',
  'clickhouse',
  'duckdb',
  'teradata',
  'ansi',
  'generic',
] as const

/** All others (COPY, CALL, DO, SET, ATTACH, PRAGMA, LOAD, GRANT, …) have no name here, because none can be judged by tables. */
export const STATEMENT_KINDS = [
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'explain',
  'show',
  'create',
  'alter',
  'drop',
  'truncate',
] as const

/** Parts of the shell's language beyond one program with fixed arguments; each has to be allowed by its own word. */
export const SHELL_FEATURES = [
  'sequences', // a; b and lines
  'conditions', // a && b, a || b, ! a
  'pipes',
  'redirection',
  'here-documents',
  'globbing', // *, ?, [ ], { , } and ~
  'variables',
  'assignments',
  'substitution', // $( ), ` `, <( )
  'arithmetic',
  'background', // a &, coproc
  'functions',
  'compound', // if, for, while, case, ( ), { }, [[ ]], time
] as const

/**
 * How much a finding weighs.
 *
 * - `breach`: a rule that the configuration or the role sets is broken, or what the role demands cannot be parsed. No doubt.
 * - `strong`: an attack whose detector is measured at 0.1 % false alarms or fewer in this role.
 * - `hint`: evidence for a reader; alone it never refuses anything.
 */
export type Weight = 'breach' | 'strong' | 'hint'
