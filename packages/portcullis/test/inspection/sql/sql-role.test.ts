import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Inspect } from '../../../src/inspection/finding.ts'
import { loadSqlRole } from '../../../src/inspection/sql/sql-role.ts'
import { SQL_DIALECTS } from '../../../src/core/inspection-words.ts'
import { SQL_RULES, type SqlDialect, type SqlRules } from '../../../src/inspection/sql/sql-rules.ts'

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

describe('by default one reading SELECT passes', () => {
  for (const dialect of SQL_DIALECTS) {
    test(`${dialect}: queries that people write`, () => {
      permits({ dialect }, [
        'SELECT 1',
        'SELECT 1;',
        "select a, count(*) as n from orders where state = 'it''s new' and total > 1.5 group by a having count(*) > 2 order by n desc",
        'SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE o.id IN (1, 2, 3)',
        'WITH recent AS (SELECT id FROM orders WHERE id > 5) SELECT * FROM recent UNION ALL SELECT 7',
        'SELECT CASE WHEN a BETWEEN 1 AND 2 THEN upper(b) ELSE NULL END FROM t -- what it says\nWHERE c IS NOT NULL /* all */',
        "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a) AND NOT b LIKE '%x%'",
        'SELECT sum(x) OVER (PARTITION BY y ORDER BY z) FROM t',
      ])
    })

    test(`${dialect}: everything that writes is refused`, () => {
      for (const text of [
        'DELETE FROM orders',
        'UPDATE orders SET a = 1',
        "INSERT INTO orders (a) VALUES ('x')",
        'DROP TABLE orders',
        'TRUNCATE TABLE orders',
        'CREATE TABLE x (a INT)',
        'ALTER TABLE orders ADD COLUMN x INT',
        'GRANT SELECT ON orders TO bob',
        'BEGIN',
        'COMMIT',
        'CALL wipe()',
        'SET x = 1',
      ]) {
        const [reason] = reasons(text, { dialect })
        assert.match(reason ?? 'nothing', /^sql\.(?:statement-kind|unknown-part|unparsable)$/, text)
      }
    })

    test(`${dialect}: two statements, none, and what is no SQL`, () => {
      assert.notDeepEqual(reasons('SELECT 1; SELECT 2', { dialect }), [])
      for (const text of ['', ' ', ';', '-- nothing', 'tell me all orders', 'SELECT WHERE (', "SELECT 'x"]) {
        assert.equal(reasons(text, { dialect }).length, 1, text)
      }
    })

    test(`${dialect}: a deep or long statement is refused and the parser goes on`, () => {
      const n = 20_000
      for (const text of [
        `SELECT ${'('.repeat(n)}1${')'.repeat(n)}`,
        `SELECT ${'1+'.repeat(n)}1`,
        `SELECT ${'1 AND '.repeat(n)}1`,
        `SELECT ${'NOT '.repeat(n)}1`,
        `SELECT ${'- '.repeat(n)}1`,
        `SELECT ${'(SELECT '.repeat(n)}1${')'.repeat(n)}`,
        `SELECT 1 ${'UNION SELECT 1 '.repeat(n)}`,
        `SELECT 1${'::int'.repeat(n)}`,
        `SELECT 1 FROM a ${'JOIN b '.repeat(n)}${'ON 1=1 '.repeat(n)}`,
        `SELECT a${'[1]'.repeat(n)}`,
        `SELECT a${':b'.repeat(n)}`,
        `SELECT a${' !'.repeat(n)}`,
        `SELECT CAST(1 AS ${'ARRAY<'.repeat(n)}INT${'>'.repeat(n)})`,
        `SELECT ${'CASE WHEN 1 THEN '.repeat(n)}1${' END'.repeat(n)}`,
      ]) {
        assert.equal(reasons(text, { dialect, maxBytes: 1_000_000 }).length, 1, text.slice(0, 40))
        permits({ dialect }, ['SELECT 1'])
      }
    })
  }
})

test('statements as deep as the bounds allow never break a parser', () => {
  const shapes: readonly ((n: number) => string)[] = [
    (n) => `SELECT ${'1+'.repeat(n)}1`,
    (n) => `SELECT a${' IS NULL'.repeat(n)}`,
    (n) => `SELECT a${'::int'.repeat(n)}`,
    (n) => `SELECT a${' !'.repeat(n)}`,
    (n) => `SELECT a${':b'.repeat(n)}`,
    (n) => `SELECT 1 FROM a ${'JOIN b '.repeat(n)}${'ON 1=1 '.repeat(n)}`,
    (n) => `SELECT 1 FROM a ${'UNPIVOT (a FOR b IN (c)) '.repeat(n)}`,
    (n) => `SELECT CAST(1 AS ${'ARRAY<'.repeat(n)}INT${'>'.repeat(n)})`,
    (n) => `SELECT 1 ${'UNION SELECT 1 '.repeat(n)}`,
    (n) => `SELECT ${'('.repeat(n)}1${')'.repeat(n)}`,
    (n) => `SELECT a${" AT TIME ZONE 'x'".repeat(n)}`,
  ]
  for (const dialect of SQL_DIALECTS) {
    for (const shape of shapes) {
      for (const n of [45, 100, 150, 200, 249, 330, 490]) {
        const found = reasons(shape(n), { dialect })
        assert.ok(!found.includes('sql.parser-unavailable'), `${dialect} ${shape(1)} ${n}`)
        permits({ dialect }, ['SELECT 1'])
      }
    }
  }
})

describe('statement kinds', () => {
  const rules = {
    statements: [
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
    ],
    readOnly: false,
  } as const

  test('the ones that are named pass', () => {
    for (const dialect of ['postgresql', 'mysql', 'sqlite', 'mssql'] as const) {
      permits({ ...rules, dialect }, [
        "INSERT INTO t (a, b) VALUES (1, 'x')",
        'INSERT INTO t SELECT a FROM s',
        'UPDATE t SET a = a + 1 WHERE b = 2',
        'DELETE FROM t WHERE a = 1',
        'DROP TABLE IF EXISTS t',
        'TRUNCATE TABLE t',
        'CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10) NOT NULL)',
        'CREATE VIEW v AS SELECT a FROM t',
        'CREATE INDEX i ON t (a)',
        'ALTER TABLE t ADD COLUMN c INT',
      ])
    }
    permits({ ...rules, dialect: 'mysql' }, [
      'SHOW TABLES',
      'DESCRIBE t',
      'INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2',
    ])
    permits(rules, [
      'EXPLAIN ANALYZE DELETE FROM t',
      'SHOW work_mem',
      'INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING RETURNING a',
    ])
  })

  test('a kind within another must be allowed too', () => {
    refuses('sql.statement-kind', { statements: ['select'], readOnly: false }, [
      'WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d',
      'EXPLAIN SELECT 1',
    ])
    refuses('sql.statement-kind', { statements: ['select', 'insert'], readOnly: false }, [
      'WITH d AS (DELETE FROM t RETURNING a) INSERT INTO u SELECT a FROM d',
    ])
    refuses('sql.statement-kind', { statements: ['explain', 'select'], readOnly: false }, [
      'EXPLAIN ANALYZE DELETE FROM t',
      'EXPLAIN DELETE FROM t',
    ])
    refuses('sql.statement-kind', { dialect: 'mssql' }, ['WITH a AS (SELECT 1 AS x) DELETE FROM t'])
  })

  test('reading only holds whatever kinds are named', () => {
    refuses('sql.statement-kind', { ...rules, readOnly: true }, [
      'DELETE FROM t',
      'EXPLAIN ANALYZE DELETE FROM t',
      'WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d',
    ])
    refuses('sql.into', { ...rules, readOnly: true }, ['SELECT 1 AS a INTO t'])
    refuses('sql.lock', { ...rules, readOnly: true }, [
      'SELECT a FROM t FOR UPDATE',
      'SELECT a FROM (SELECT a FROM t FOR SHARE) x',
    ])
    refuses('sql.into', { dialect: 'mssql' }, ['SELECT * INTO t FROM u'])
    refuses('sql.lock', { dialect: 'mysql' }, ['SELECT a FROM t FOR UPDATE'])
    refuses('sql.assignment', { dialect: 'mysql' }, ['SELECT @a := 1'])
  })

  test('what has no kind is refused whatever the rules say', () => {
    for (const text of [
      "COPY t FROM PROGRAM 'id'",
      "COPY t TO '/tmp/x'",
      'DO $$ BEGIN END $$',
      'CALL f()',
      'SET ROLE postgres',
      'RESET ALL',
      'PREPARE x AS SELECT 1',
      'EXECUTE x',
      "LOAD 'x'",
      'LISTEN x',
      "NOTIFY x, 'y'",
      'VACUUM',
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
      'CREATE EXTENSION dblink',
      'CREATE ROLE x SUPERUSER',
      'ALTER TABLE t OWNER TO x',
      'ALTER TABLE t DISABLE ROW LEVEL SECURITY',
      'DROP FUNCTION f()',
      'CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()',
      'LOCK TABLE t',
    ]) {
      assert.equal(reasons(text, rules).length, 1, text)
    }
    for (const [dialect, text] of [
      ['sqlite', "ATTACH DATABASE '/etc/x' AS y"],
      ['sqlite', 'PRAGMA writable_schema = 1'],
      ['sqlite', "VACUUM INTO 'x'"],
      ['mysql', "LOAD DATA INFILE 'x' INTO TABLE t"],
      ['mysql', "SELECT 1 INTO OUTFILE '/tmp/x'"],
      ['mysql', "SELECT 1 INTO DUMPFILE '/tmp/x'"],
      ['mysql', 'SELECT a FROM t PROCEDURE ANALYSE()'],
      ['mysql', 'HANDLER t OPEN'],
      ['mssql', "EXEC xp_cmdshell 'dir'"],
      ['mssql', "WAITFOR DELAY '0:0:5'"],
      ['mssql', 'SHUTDOWN'],
      ['duckdb', 'INSTALL httpfs'],
      ['duckdb', "COPY t TO 'x'"],
      ['snowflake', 'PUT file:///etc/x @y'],
      ['clickhouse', 'SELECT 1 SETTINGS max_threads = 1'],
      ['clickhouse', "SELECT 1 INTO OUTFILE 'x'"],
    ] as const) {
      assert.equal(reasons(text, { ...rules, dialect }).length, 1, text)
    }
  })
})

describe('functions', () => {
  test('those that reach out of the query are refused', () => {
    refuses('sql.function', {}, [
      "SELECT pg_read_file('/etc/passwd')",
      'SELECT pg_sleep(5)',
      'SELECT PG_CATALOG.PG_SLEEP(5)',
      'SELECT "pg_sleep"(5)',
      "SELECT lo_import('/etc/passwd')",
      "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)",
      "SELECT public.dblink_exec('x')",
      "SELECT query_to_xml('DELETE FROM t', true, true, '')",
      "SELECT set_config('x', 'y', false)",
      "SELECT a FROM t WHERE nextval('s') = 1",
      "SELECT * FROM ts_stat('SELECT 1')",
      'SELECT a FROM t ORDER BY pg_advisory_lock(1)',
      'SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) FROM t',
      'SELECT sum(a) OVER (ORDER BY pg_sleep(1)) FROM t',
      'SELECT CASE WHEN 1 = 1 THEN pg_sleep(1) END',
      'SELECT ARRAY[pg_sleep(1)]',
      'SELECT 1 LIMIT (SELECT length(pg_sleep(1)::text))',
      'VALUES (pg_sleep(1))',
      'SELECT a FROM t JOIN LATERAL pg_ls_dir(t.a) x ON true',
    ])
    refuses('sql.function', { dialect: 'mysql' }, [
      "SELECT LOAD_FILE('/etc/passwd')",
      'SELECT SLEEP(5)',
      "SELECT BENCHMARK(1, 'x')",
      'SELECT @@version',
      'SELECT `sleep`(1)',
      'SELECT a FROM t GROUP BY sleep(1)',
    ])
    refuses('sql.function', { dialect: 'sqlite' }, [
      "SELECT load_extension('x')",
      "SELECT readfile('x')",
      "SELECT * FROM pragma_table_info('t')",
    ])
    refuses('sql.function', { dialect: 'mssql' }, [
      "SELECT * FROM OPENROWSET('a', 'b', 'c')",
      "SELECT * FROM fn_get_audit_file('x', 1, 2)",
    ])
    refuses('sql.function', { dialect: 'oracle' }, [
      "SELECT utl_http.request('http://x') FROM dual",
      "SELECT httpuritype('x') FROM dual",
    ])
    refuses('sql.function', { dialect: 'duckdb' }, ["SELECT * FROM read_csv('/etc/passwd')", "SELECT getenv('HOME')"])
    refuses('sql.function', { dialect: 'clickhouse' }, [
      "SELECT * FROM url('http://x', CSV)",
      "SELECT * FROM file('x')",
      'SELECT sleepEachRow(1)',
    ])
    refuses('sql.function', { dialect: 'databricks' }, ["SELECT java_method('x', 'y')", "SELECT reflect('x', 'y')"])
  })

  test('an allow list closes the rest, and lifts a built-in refusal only by the full name', () => {
    permits({ functions: { allow: ['count', 'pg_sleep'] } }, ['SELECT count(*) FROM t', 'SELECT pg_sleep(1)'])
    refuses('sql.function', { functions: { allow: ['count'] } }, ['SELECT max(a) FROM t'])
    refuses('sql.function', { functions: { allow: ['*'] } }, ['SELECT pg_sleep(1)'])
    refuses('sql.function', { functions: { deny: ['my_*'] } }, ['SELECT app.my_wipe()'])
    refuses('sql.operator', {}, ['SELECT 1 OPERATOR(evil.+) 2'])
  })
})

describe('tables', () => {
  const rules = { tables: ['public.*', 'sales.order_*', 'items'], defaultSchema: 'public' }

  test('patterns decide', () => {
    permits(rules, [
      'SELECT 1 FROM users',
      'SELECT 1 FROM public.users u, sales.order_lines',
      'SELECT 1 FROM items',
      'SELECT 1 FROM (SELECT 2 FROM users) x',
    ])
    refuses('sql.table', rules, [
      'SELECT 1 FROM secret.users',
      'SELECT 1 FROM sales.customers',
      'SELECT 1 FROM users WHERE EXISTS (SELECT 1 FROM secret.keys)',
      'SELECT (SELECT max(a) FROM secret.keys)',
      'SELECT 1 UNION SELECT a FROM secret.keys',
      'WITH x AS (SELECT a FROM secret.keys) SELECT a FROM x',
      'SELECT 1 FROM other.public.users',
    ])
  })

  test('a name of WITH hides a table only where it is in scope', () => {
    const few = { tables: ['orders'] }
    permits(few, [
      'WITH t AS (SELECT 1 FROM orders), u AS (SELECT * FROM t) SELECT * FROM u',
      'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT n FROM t',
    ])
    for (const dialect of ['postgresql', 'mysql', 'sqlite'] as const) {
      refuses('sql.table', { ...few, dialect }, [
        'WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets',
        'SELECT * FROM (WITH secrets AS (SELECT 1) SELECT * FROM secrets) x, secrets',
        'WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a',
        'WITH secrets AS (SELECT 1) SELECT * FROM app.secrets',
      ])
    }
    refuses('sql.table', few, ['WITH "Secrets" AS (SELECT 1) SELECT * FROM secrets'])
    refuses('sql.table', { ...few, dialect: 'oracle' }, ['WITH "secrets" AS (SELECT 1) SELECT * FROM secrets'])
  })

  test('tables of the database itself must be written out', () => {
    for (const [dialect, table] of [
      ['postgresql', 'pg_shadow'],
      ['postgresql', 'pg_catalog.pg_authid'],
      ['postgresql', 'information_schema.tables'],
      ['mysql', 'mysql.user'],
      ['sqlite', 'sqlite_master'],
      ['mssql', 'sys.tables'],
      ['oracle', 'dba_users'],
      ['oracle', 'v$session'],
    ] as const) {
      const text = `SELECT 1 FROM ${table}`
      refuses('sql.system-table', { dialect }, [text])
      refuses('sql.system-table', { dialect, tables: ['*', '*.*'] }, [text])
      permits({ dialect, tables: [table] }, [text])
    }
  })

  test('files, addresses and stages are no tables', () => {
    for (const [dialect, table] of [
      ['duckdb', "'/etc/passwd.csv'"],
      ['duckdb', '"/etc/passwd.csv"'],
      ['duckdb', '"x.csv"'],
      ['snowflake', '@stage/x'],
      ['spark', 'csv.`/etc/passwd`'],
      ['databricks', 'parquet.`s3://x/y`'],
    ] as const) {
      assert.equal(reasons(`SELECT * FROM ${table}`, { dialect }).length, 1, table)
    }
  })
})

test('length is counted in bytes', () => {
  permits({ maxBytes: 12 }, ["SELECT 'aaa'"])
  refuses('sql.too-long', { maxBytes: 12 }, ["SELECT 'aéa'", "SELECT 'aaaa'"])
})

test('rules of a dialect that was not loaded are a mistake of the caller', async () => {
  const few = await loadSqlRole(['sqlite'])
  assert.throws(() => few({ ...SQL_RULES, dialect: 'postgresql' }), TypeError)
  assert.deepEqual(few({ ...SQL_RULES, dialect: 'sqlite' })('SELECT 1'), [])
})

test('a caller reads no part of the statement', () => {
  for (const text of [
    "SELECT 'hunter2",
    'DROP TABLE hunter2',
    'SELECT hunter2()',
    'SELECT 1 FROM pg_hunter2',
    "SELECT pg_hunter2('x')",
  ]) {
    for (const { says } of role({ ...SQL_RULES, dialect: 'postgresql', functions: { allow: ['x'] } })(text))
      assert.doesNotMatch(says ?? '', /hunter2/)
  }
})

test('whatever the text is, the answer is an answer, and the same one again', () => {
  const fragments = fc.constantFrom(
    'SELECT',
    ' ',
    '(',
    ')',
    "'",
    '"',
    '`',
    '[',
    ']',
    '--',
    '/*',
    '*/',
    '\n',
    '\\',
    ';',
    ',',
    '*',
    '1',
    'a',
    'FROM',
    'WHERE',
    '=',
    'UNION',
    '\0',
    '$$',
    'é',
    '#',
    '@',
    '.',
    'WITH',
    'AS',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragments, { maxLength: 60 }).map((parts) => parts.join(' ')),
    fc.array(fragments, { maxLength: 60 }).map((parts) => parts.join('')),
  )
  const dialect = fc.constantFrom<SqlDialect>('postgresql', 'mysql', 'sqlite', 'mssql', 'bigquery', 'generic')
  fc.assert(
    fc.property(text, dialect, (value, which) => {
      const inspect = role({ ...SQL_RULES, dialect: which })
      const found = inspect(value)
      assert.deepEqual(inspect(value), found)
      assert.ok(
        found.length <= 1 &&
          found.every(({ weight, reason }) => weight === 'breach' && reason !== 'sql.parser-unavailable'),
      )
    }),
    { numRuns: 2000 },
  )
})

describe('an attribute that is a call', () => {
  test('PostgreSQL calls what stands behind a value', () => {
    refuses('sql.function', {}, [
      "SELECT ('/etc/hostname'::text).pg_read_file",
      "SELECT f.pg_read_file FROM lower('/etc/hostname') AS f",
      "SELECT (f).pg_read_file FROM lower('/etc/hostname') AS f",
      "SELECT lower.pg_read_file FROM lower('/etc/hostname')",
      "SELECT (SELECT lower.pg_read_file FROM lower('/etc/hostname')) FROM t lower",
      'SELECT "coalesce".pg_read_file FROM coalesce(\'/etc/hostname\')',
      'SELECT (1).pg_terminate_backend',
    ])
    refuses('sql.function', { functions: { allow: ['lower'] } }, [
      "SELECT f.mine FROM lower('x') f",
      'SELECT (a).mine FROM t',
    ])
    permits({}, [
      'SELECT e.key, e.value FROM t, jsonb_each(t.data) AS e',
      'SELECT t.url, t.sys_id FROM t, generate_series(1, 3)',
      'SELECT s.net_total FROM (SELECT 1 AS net_total) s',
    ])
    // A field of a type of one's own has any name, and so has a function of one's own.
    refuses('sql.function', {}, ['SELECT (t.address).city FROM t'])
    permits({ functions: { allow: ['*'] } }, ['SELECT (t.address).city FROM t'])
    permits({ functions: { allow: ['lower'] } }, ['SELECT lower(t.name) FROM t'])
  })

  test('scheduled statements, text that is run, tables behind strings', () => {
    refuses('sql.function', {}, ["SELECT cron.schedule('* * * * *', 'DROP TABLE t')"])
    refuses('sql.function', { dialect: 'duckdb' }, ["SELECT json_execute_serialized_sql('x')"])
    refuses('sql.function', { dialect: 'clickhouse' }, ["SELECT * FROM merge('default', '^secrets$')"])
    refuses('sql.function', { dialect: 'mysql' }, ['SELECT @@global.secure_file_priv'])
    refuses('sql.unknown-part', { dialect: 'snowflake' }, ["SELECT * FROM TABLE('secrets')"])
    refuses('sql.system-table', { dialect: 'sqlite' }, ["SELECT data FROM fsdir WHERE path = '/etc/hostname'"])
  })

  test('a name of WITH in another case may be another table', () => {
    const rules = { tables: ['orders'] }
    for (const dialect of ['mysql', 'clickhouse'] as const) {
      refuses('sql.table', { ...rules, dialect }, ['WITH SECRETS AS (SELECT 1) SELECT * FROM secrets'])
      permits({ ...rules, dialect }, ['WITH Recent AS (SELECT id FROM orders) SELECT * FROM Recent'])
    }
  })

  test('a LIMIT for each group bounds nothing', () => {
    refuses('sql.limit', { dialect: 'clickhouse', maxLimit: 5 }, ['SELECT * FROM t LIMIT 1 BY id'])
  })
})
