/** IN-2 over real databases, SQLite and PostgreSQL: what is refused leaves them as they were, though the account could do it. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startPostgres, type TestPostgres } from '../fixtures/postgres.ts'

const inputSchema = { type: 'object', properties: { sql: { type: 'string' } }, required: ['sql'] }
const SETUP = [
  'CREATE TABLE orders (id INTEGER, item TEXT, price INTEGER)',
  "INSERT INTO orders VALUES (1, 'Lamp', 12), (2, 'Chair', 40), (3, 'Desk', 90)",
  'CREATE TABLE salaries (name TEXT, amount INTEGER)',
  "INSERT INTO salaries VALUES ('Ada', 7777)",
]
/** Somebody’s own function that writes: read-only in its looks only. */
const REFUND = `CREATE FUNCTION refund(given INTEGER) RETURNS INTEGER LANGUAGE sql
  AS 'UPDATE orders SET price = 0 WHERE id = given RETURNING price'`

let postgres: TestPostgres
let sqlite: DatabaseSync
let upstream: CountingUpstream
let gateway: TestGateway

const inPostgres = (sql: string) => postgres.run('shop', sql)
const inSqlite = (sql: string): unknown => {
  // A careless server runs all statements of a text, as many do.
  if (/;./.test(sql)) return sqlite.exec(sql)
  return sqlite.prepare(sql).all()
}
const answer = (rows: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(rows) }] })

before(
  async () => {
    postgres = await startPostgres()
    await postgres.database('shop', false)
    for (const sql of [...SETUP, REFUND]) await inPostgres(sql)
    sqlite = new DatabaseSync(':memory:')
    for (const sql of SETUP) sqlite.exec(sql)
    sqlite.function('refund', (given) => {
      sqlite.exec(`UPDATE orders SET price = 0 WHERE id = ${Number(given)}`)
      return 0
    })
    upstream = await startCounting([
      { name: 'query_postgresql', inputSchema, run: async ({ sql }) => answer(await inPostgres(String(sql))) },
      { name: 'query_sqlite', inputSchema, run: ({ sql }) => answer(inSqlite(String(sql))) },
    ])
    const rules = (dialect: string) => ({
      arguments: { sql: { sql: { dialect, tables: ['orders'], maxLimit: 2 } } },
    })
    const tools = { query_postgresql: rules('postgresql'), query_sqlite: rules('sqlite') }
    gateway = await startTestGateway({ upstreams: [{ name: 'shop', url: upstream.url, inspection: { tools } }] })
  },
  { timeout: 60_000 },
)
after(async () => {
  await gateway.close()
  await upstream.close()
  sqlite.close()
  postgres.remove()
})

const STATE = 'SELECT * FROM orders ORDER BY id'
const stateOf = async (database: string): Promise<string> =>
  JSON.stringify(database === 'postgresql' ? await inPostgres(STATE) : inSqlite(STATE))

const HONEST: readonly (readonly [sql: string, rows: readonly object[]])[] = [
  ['SELECT item FROM orders WHERE price > 20 ORDER BY id LIMIT 2', [{ item: 'Chair' }, { item: 'Desk' }]],
  ['SELECT upper(item) AS item FROM orders ORDER BY price DESC LIMIT 1', [{ item: 'DESK' }]],
]

const REFUSED: readonly (readonly [why: string, sql: string])[] = [
  ['it writes', "UPDATE orders SET item = 'x'"],
  ['it writes behind a WITH', 'WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone LIMIT 1'],
  ['a second statement', 'SELECT id FROM orders LIMIT 1; DROP TABLE orders'],
  ['a second statement behind an end of a transaction', 'COMMIT; DELETE FROM orders'],
  ['another table', 'SELECT amount FROM salaries LIMIT 1'],
  ['another table in a subquery', 'SELECT id FROM orders WHERE price < (SELECT max(amount) FROM salaries) LIMIT 1'],
  ['no LIMIT', 'SELECT id FROM orders'],
  ['too high a LIMIT', 'SELECT id FROM orders LIMIT 3'],
  ['a function that nobody listed, which writes', 'SELECT refund(id) FROM orders LIMIT 1'],
]

for (const database of ['postgresql', 'sqlite']) {
  const call = (sql: string) => callTool(gateway, `query_${database}`, { sql })

  describe(`a real ${database}`, () => {
    for (const [sql, rows] of HONEST) {
      test(`answers ${sql}`, async () => {
        const { json } = await call(sql)
        assert.deepEqual(JSON.parse(json.result.content[0].text), rows)
      })
    }

    for (const [why, sql] of REFUSED) {
      test(`sees nothing of a statement that is refused: ${why}`, async () => {
        const [earlier, calls] = [await stateOf(database), upstream.count()]
        const { json } = await call(sql)
        assert.equal(json.result?._meta?.['dev.portcullis/code'], 'inspection.refused', JSON.stringify(json))
        assert.equal(upstream.count(), calls)
        assert.equal(await stateOf(database), earlier)
      })
    }

    // Last: it proves that the refusals were worth something.
    test('does what it was kept from when it is asked directly', async () => {
      const earlier = await stateOf(database)
      await (database === 'postgresql' ? inPostgres : inSqlite)('SELECT refund(id) FROM orders LIMIT 1')
      assert.notEqual(await stateOf(database), earlier)
    })
  })
}
