import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Inspect } from '../../../src/inspection/finding.ts'
import { loadSqlRole } from '../../../src/inspection/sql/sql-role.ts'
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

describe('columns', () => {
  const deny = { columns: { deny: ['password', 'users.salary'] } }
  const allow = { columns: { allow: ['users.name', 'orders.*'] } }

  for (const dialect of ['postgresql', 'mysql', 'sqlite', 'generic'] as const) {
    test(`${dialect}: a denied column is found wherever it hides`, () => {
      permits({ ...deny, dialect }, [
        'SELECT name FROM users',
        'SELECT count(*) FROM users',
        'SELECT salary FROM offers',
      ])
      refuses('sql.column', { ...deny, dialect }, [
        'SELECT password FROM users',
        'SELECT PASSWORD FROM users',
        'SELECT u.password FROM users u',
        "SELECT 1 FROM users WHERE password LIKE 'a%'",
        'SELECT 1 FROM users ORDER BY password',
        'SELECT 1 FROM users GROUP BY password',
        'SELECT max(password) FROM users',
        'SELECT u.salary FROM users u',
        'SELECT 1 FROM a JOIN users USING (password)',
        'SELECT (SELECT password FROM users)',
        'SELECT 1 AS password, (SELECT password FROM users) AS x',
        'SELECT CASE WHEN password IS NULL THEN 1 END FROM users',
      ])
      refuses('sql.star', { ...deny, dialect }, [
        'SELECT * FROM users',
        'SELECT u.* FROM users u',
        'SELECT a FROM users AS u (a, b)',
      ])
    })

    test(`${dialect}: an allow list closes the rest`, () => {
      permits({ ...allow, dialect }, [
        'SELECT name FROM users',
        'SELECT u.name, o.id, o.total FROM users u JOIN orders o ON o.id = o.total',
        'SELECT x.name FROM (SELECT name FROM users) x',
        'SELECT o.total AS t FROM orders o ORDER BY t',
      ])
      refuses('sql.column', { ...allow, dialect }, [
        'SELECT id FROM users',
        'SELECT u.id FROM users u JOIN orders o ON o.id = o.x',
        'SELECT id FROM users, orders',
      ])
    })
  }

  test('mysql: what is a column where double quotes hold names', () => {
    refuses('sql.ambiguous-quote', { ...deny, dialect: 'mysql' }, ['SELECT "password" FROM users'])
    permits({ dialect: 'mysql' }, ['SELECT "a string" FROM users'])
  })

  test('postgresql: rows as a whole and fields of rows', () => {
    refuses('sql.star', deny, [
      'SELECT users FROM users',
      'SELECT row_to_json(u) FROM users u',
      'TABLE users',
      'SELECT j FROM (users CROSS JOIN offers) AS j (a, b)',
    ])
    refuses('sql.star', { star: 'refused' }, ['SELECT * FROM t', 'SELECT (t).* FROM t'])
    refuses('sql.column', deny, ['SELECT (s.u).password FROM s'])
    permits({ star: 'refused' }, ['SELECT count(*) FROM t'])
  })
})

describe('LIMIT', () => {
  test('must be a constant of at most the maximum', () => {
    for (const dialect of ['postgresql', 'mysql', 'sqlite', 'generic'] as const) {
      permits({ dialect, maxLimit: 10 }, [
        'SELECT a FROM t LIMIT 10',
        'SELECT a FROM t ORDER BY a LIMIT 0',
        'SELECT a FROM t UNION SELECT b FROM u LIMIT 3',
      ])
      refuses('sql.limit', { dialect, maxLimit: 10 }, [
        'SELECT a FROM t',
        'SELECT a FROM t LIMIT 11',
        'SELECT a FROM t LIMIT 5 + 6',
        'SELECT a FROM t LIMIT -1',
        'SELECT a FROM (SELECT a FROM t LIMIT 1) x',
        'WITH x AS (SELECT 1 LIMIT 1) SELECT * FROM x',
      ])
    }
    refuses('sql.limit', { maxLimit: 10 }, [
      'SELECT a FROM t LIMIT ALL',
      'SELECT a FROM t LIMIT $1',
      'SELECT a FROM t ORDER BY a FETCH FIRST 5 ROWS WITH TIES',
      'SELECT a FROM t LIMIT 1e9',
    ])
    permits({ maxLimit: 10 }, ['SELECT a FROM t FETCH FIRST 5 ROWS ONLY'])
    permits({ dialect: 'mssql', maxLimit: 10 }, ['SELECT TOP 5 a FROM t'])
    refuses('sql.limit', { dialect: 'mssql', maxLimit: 10 }, [
      'SELECT TOP 50 PERCENT a FROM t',
      'SELECT TOP 50 a FROM t',
    ])
    refuses('sql.limit', { dialect: 'mysql', maxLimit: 10 }, ['SELECT a FROM t LIMIT 1, 100000'])
  })
})

describe('whole rows without a star', () => {
  const deny = { columns: { deny: ['users.salary'] } }

  test('PostgreSQL: a call on a row', () => {
    refuses('sql.star', deny, [
      'SELECT users.to_jsonb FROM users',
      'SELECT u.json_agg FROM users u',
      'SELECT public.users.concat FROM public.users',
      'SELECT (u.boss).to_json FROM users u',
    ])
  })

  for (const dialect of ['postgresql', 'mysql', 'sqlite', 'generic'] as const) {
    test(`${dialect}: a join that compares what it does not name`, () => {
      const twin = 'SELECT g.guess FROM users NATURAL JOIN (SELECT 5 AS salary, 5 AS guess) g'
      refuses('sql.star', { ...deny, dialect }, [twin, twin.replace('NATURAL', 'NATURAL LEFT')])
      permits({ dialect }, [twin])
    })
  }

  test('FROM without SELECT, functions of all columns, columns by a pattern', () => {
    refuses('sql.star', { ...deny, dialect: 'duckdb' }, ['FROM users', "SELECT COLUMNS('sal.*') FROM users"])
    refuses('sql.star', { ...deny, dialect: 'snowflake' }, [
      'SELECT object_construct(*) FROM users',
      'SELECT $2 FROM users',
      'SELECT u.$2 FROM users u',
    ])
    permits({ ...deny, dialect: 'snowflake' }, ['SELECT count(*) FROM users', 'SELECT COUNT(*) FROM users'])
  })
})
