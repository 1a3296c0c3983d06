import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { isDeniedFunction } from '../../../src/core/denied-functions.ts'
import type { Inspect } from '../../../src/inspection/finding.ts'
import { isKnownFunction, KNOWN_FUNCTIONS } from '../../../src/inspection/sql/known-functions.ts'
import { loadSqlRole } from '../../../src/inspection/sql/sql-role.ts'
import { SQL_RULES, type SqlRules } from '../../../src/inspection/sql/sql-rules.ts'

describe('a function', () => {
  it('that is known to compute only is none of those that are always refused', () => {
    assert.deepEqual(
      [...KNOWN_FUNCTIONS].filter((name) => isDeniedFunction([name])),
      [],
    )
  })

  it('in a schema of somebody is his own, whatever its name', () => {
    assert.equal(isKnownFunction(['Lower']), true)
    assert.equal(isKnownFunction(['pg_catalog', 'lower']), true)
    assert.equal(isKnownFunction(['public', 'lower']), false)
    assert.equal(isKnownFunction(['pg_catalog', 'public', 'lower']), false)
  })
})

describe('a function that nobody listed', () => {
  let roleOf: (rules?: SqlRules) => Inspect
  before(async () => {
    roleOf = await loadSqlRole(['postgresql', 'mysql', 'sqlite'])
  })
  const reasons = (rules: Partial<SqlRules>, text: string) =>
    roleOf({ ...SQL_RULES, ...rules })(text).map(({ reason }) => reason)
  const dialects = ['postgresql', 'mysql', 'sqlite'] as const

  for (const dialect of dialects) {
    it(`is refused where only reading is allowed: ${dialect}`, () => {
      assert.deepEqual(reasons({ dialect }, 'SELECT refund(7)'), ['sql.function'])
      assert.deepEqual(reasons({ dialect }, 'SELECT a FROM t WHERE b > refund(c)'), ['sql.function'])
      assert.deepEqual(reasons({ dialect }, 'SELECT upper(a), count(*) FROM t WHERE length(b) > 2 GROUP BY 1'), [])
    })

    it(`is called where it is named, and then no other: ${dialect}`, () => {
      const rules = { dialect, functions: { allow: ['refund'] } }
      assert.deepEqual(reasons(rules, 'SELECT refund(7)'), [])
      assert.deepEqual(reasons(rules, 'SELECT upper(a) FROM t'), ['sql.function'])
    })

    it(`is called where a pattern means all, but for those that are always refused: ${dialect}`, () => {
      const rules = { dialect, functions: { allow: ['*'] } }
      assert.deepEqual(reasons(rules, 'SELECT refund(7)'), [])
      assert.deepEqual(reasons(rules, 'SELECT load_extension(a), pg_sleep(1), load_file(b) FROM t'), ['sql.function'])
    })
  }

  it('is refused in a schema too, and behind every other part of a statement', () => {
    for (const text of [
      'SELECT shop.refund(7)',
      'SELECT public.upper(a) FROM t',
      'SELECT * FROM refunds(7)',
      'SELECT f.refund FROM generate_series(1, 3) AS f',
      'SELECT (a).refund FROM t',
      'SELECT a FROM t ORDER BY refund(a)',
      'WITH x AS (SELECT refund(a) FROM t) SELECT * FROM x',
      'EXPLAIN SELECT refund(a) FROM t',
    ])
      assert.deepEqual(
        reasons({ dialect: 'postgresql', statements: ['select', 'explain'] }, text),
        ['sql.function'],
        text,
      )
  })
})
