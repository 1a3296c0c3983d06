import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Inspect } from '../../../src/inspection/finding.ts'
import { loadSqlRole } from '../../../src/inspection/sql/sql-role.ts'
import { SQL_DIALECTS } from '../../../src/core/inspection-words.ts'
import { SQL_RULES, type SqlRules } from '../../../src/inspection/sql/sql-rules.ts'

let role: (rules?: SqlRules) => Inspect

before(async () => {
  role = await loadSqlRole()
})

const reasons = (text: string, rules: Partial<SqlRules> = {}): readonly string[] =>
  role({ ...SQL_RULES, dialect: 'postgresql', ...rules })(text).map(({ reason }) => reason)

function refuses(reason: string, rules: Partial<SqlRules>, texts: readonly string[]): void {
  for (const text of texts) assert.deepEqual(reasons(text, rules), [reason], text)
}

function permits(rules: Partial<SqlRules>, texts: readonly string[]): void {
  for (const text of texts) assert.deepEqual(reasons(text, rules), [], text)
}

describe('what two lexers could read in two ways', () => {
  const everywhere: readonly string[] = [
    'SELECT 1 /*! , sleep(5) */',
    'SELECT 1 /*!50000 , 2 */',
    'SELECT 1 /*M! , 2 */',
    'SELECT 1 /*+ hint */',
    'SELECT 1 /* /* */ */',
    'SELECT 1 /* open',
    "SELECT 'a\\' OR 1=1 -- '",
    "SELECT 'a\\\\\\' , 2'",
    "SELECT U&'\\0061'",
    'SELECT u&"\\0061"',
    'SELECT $$x$$',
    'SELECT $a$x$a$',
    "SELECT q'[x]'",
    'SELECT 1\0; DROP TABLE t',
    'SELECT\u000b1',
    'SELECT\u00a01',
    'SELECT\u30001',
    'SELECT 1 -- x\rDROP TABLE t',
    'SELECT \u201cx\u201d',
    'SELECT \uff07x\uff07',
    'SELECT 1\u200b',
    'SELECT 1 \u202e',
    "SELECT '\ud800'",
  ]
  for (const dialect of SQL_DIALECTS) {
    test(`${dialect} refuses it`, () => {
      for (const text of everywhere) assert.match(reasons(text, { dialect })[0] ?? 'nothing', /^sql\.ambiguous-/, text)
    })
  }

  test('each dialect has doubts of its own', () => {
    refuses('sql.ambiguous-comment', { dialect: 'mysql' }, ['SELECT 5--1'])
    refuses('sql.ambiguous-quote', { dialect: 'postgresql' }, ['SELECT `a`'])
    refuses('sql.ambiguous-comment', { dialect: 'sqlite' }, ['SELECT 1 # x'])
    refuses('sql.ambiguous-quote', { dialect: 'bigquery' }, ["SELECT '''a'b'''", 'SELECT """x"""'])
    refuses('sql.ambiguous-quote', { dialect: 'mssql' }, ["SELECT 'a\u02bc OR 1'", "SELECT [a'b]"])
    refuses('sql.reserved-alias', { dialect: 'mssql' }, [
      'SELECT 1 SHUTDOWN',
      'SELECT a FROM t REVERT',
      'SELECT 1 AS commit',
    ])
    permits({ dialect: 'mssql' }, ['SELECT 1 AS [commit]', 'SELECT [open] FROM prices'])
  })

  test('what only looks unusual passes', () => {
    permits({}, [
      'SELECT \'naïve — “quoted” 名前\' AS "名"',
      "SELECT 'C:\\temp\\x'",
      "SELECT a #> '{b}' FROM t",
      "SELECT E'a\\nb'",
      'SELECT größe FROM maße',
      "SELECT '--', '/*', '#'",
      'SELECT 1\r\n+ 1',
      "SELECT a FROM t WHERE b LIKE '50\\%'",
    ])
    permits({ dialect: 'mysql' }, ['SELECT 1 # all\n+ 1', 'SELECT `a b` FROM `t`', 'SELECT 1 -- x'])
  })
})
