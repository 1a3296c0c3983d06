import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dialectFacts } from '../../../src/inspection/sql/dialect-facts.ts'
import { loadDialects, loadPostgresql } from '../../../src/inspection/sql/parsers.ts'
import { postgresqlFacts } from '../../../src/inspection/sql/postgresql-facts.ts'

const STATEMENTS: readonly string[] = [
  "SELECT a, b AS c, count(*) FROM s.t u WHERE a = 1 AND (b IN (1, 2) OR c LIKE 'x%') GROUP BY a, b HAVING max(c) > 2 ORDER BY 1 LIMIT 3",
  'WITH x AS (SELECT a FROM t) SELECT CASE WHEN a IS NULL THEN 1 ELSE sum(b) OVER (PARTITION BY c ORDER BY d) END FROM x JOIN y USING (id)',
  'SELECT 1 UNION ALL (SELECT a FROM t EXCEPT SELECT b FROM u)',
  'INSERT INTO t (a, b) VALUES (1, 2)',
  'UPDATE t SET a = (SELECT max(b) FROM u) WHERE c = 3',
  'DELETE FROM t WHERE EXISTS (SELECT 1 FROM u)',
  'CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10) NOT NULL)',
]

/** Every place in a tree where a node could stand, with a stranger put there. */
function* withStranger(tree: unknown, stranger: unknown): Generator {
  if (Array.isArray(tree)) {
    for (const [index, item] of tree.entries()) {
      yield tree.with(index, stranger)
      for (const changed of withStranger(item, stranger)) yield tree.with(index, changed)
    }
  } else if (typeof tree === 'object' && tree !== null) {
    for (const [key, value] of Object.entries(tree)) {
      for (const changed of withStranger(value, stranger)) yield { ...tree, [key]: changed }
    }
  }
}

const strangers = (tree: unknown): readonly unknown[] => [...withStranger(tree, { StrangeNode: { deep: 1 } })]

describe('a node that nobody knows is told wherever it stands', () => {
  test('postgresql', async () => {
    const parse = await loadPostgresql()
    let tried = 0
    for (const text of STATEMENTS) {
      const parsed = parse(text)
      assert.ok('statements' in parsed, text)
      const [tree] = parsed.statements
      assert.equal(postgresqlFacts(tree).unknown, undefined, text)
      for (const changed of strangers(tree)) {
        // Names are read as words, not walked: a stranger there can only be a name that matches no rule.
        if (/"(?:funcname|fields|names|name|usingClause)":\[[^\]]*StrangeNode/.test(JSON.stringify(changed))) continue
        assert.notEqual(postgresqlFacts(changed).unknown, undefined, JSON.stringify(changed))
        tried++
      }
    }
    assert.ok(tried > 40)
  })

  for (const dialect of ['mysql', 'sqlite', 'generic'] as const) {
    test(dialect, async () => {
      const parse = (await loadDialects())(dialect)
      let tried = 0
      for (const text of STATEMENTS) {
        const parsed = parse(text)
        assert.ok('statements' in parsed, text)
        const [tree] = parsed.statements
        assert.equal(dialectFacts(tree, dialect).unknown, undefined, text)
        for (const changed of strangers(tree)) {
          const line = JSON.stringify(changed)
          if (
            /"(?:name|CompoundIdentifier|data_type|Number|TableName|ColumnName|group_by_modifiers)":[^:]*StrangeNode/.test(
              line,
            )
          )
            continue
          if (/"(?:Number|CompoundIdentifier|ColumnName|TableName|name)":\[[^\]]*StrangeNode/.test(line)) continue
          assert.notEqual(dialectFacts(changed, dialect).unknown, undefined, line)
          tried++
        }
      }
      assert.ok(tried > 40)
    })
  }
})

test('fields that nobody knows are told, when they hold something', () => {
  for (const empty of [null, undefined, false, [], 'None']) {
    assert.equal(postgresqlFacts({ SelectStmt: { strangeField: empty } }).unknown, undefined)
    assert.equal(
      dialectFacts({ Query: { body: { Select: { projection: [], strange_field: empty } } } }, 'mysql').unknown,
      undefined,
    )
  }
  for (const full of [true, 'x', 0, {}, [1]]) {
    assert.equal(postgresqlFacts({ SelectStmt: { strangeField: full } }).unknown, 'strangeField')
    assert.equal(
      dialectFacts({ Query: { body: { Select: { projection: [], strange_field: full } } } }, 'mysql').unknown,
      'strange_field',
    )
  }
})

describe('a parser that breaks is replaced', () => {
  test('a chain that overflows the stack of WebAssembly is refused, and the next text is read', async () => {
    const chain = `SELECT ${'1+'.repeat(60_000)}1`
    const postgresql = await loadPostgresql()
    const mysql = (await loadDialects())('mysql')
    for (const parse of [postgresql, mysql]) {
      assert.deepEqual(parse(chain), { reason: 'sql.unparsable' })
      const next = parse('SELECT 1')
      assert.ok('statements' in next && next.statements.length === 1)
    }
  })
})
