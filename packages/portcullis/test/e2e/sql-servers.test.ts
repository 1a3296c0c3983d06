/** IN-2 over SQL servers of others, unchanged from npm, on SQLite and PostgreSQL: what they would do they are not asked to do. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway, type TestUpstream } from '../fixtures/gateway.ts'
import { OWNER, PASSWORD, startPostgres, type TestPostgres } from '../fixtures/postgres.ts'

const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
const DBHUB = join(MODULES, '@bytebase/dbhub/dist/index.js')
const SERVER_POSTGRES = join(MODULES, '@modelcontextprotocol/server-postgres/dist/index.js')

const SETUP = [
  'CREATE TABLE orders (id INTEGER, item TEXT, price INTEGER)',
  "INSERT INTO orders VALUES (1, 'Lamp', 12), (2, 'Chair', 40), (3, 'Desk', 90)",
  'CREATE TABLE salaries (name TEXT, amount INTEGER)',
  "INSERT INTO salaries VALUES ('Ada', 7777)",
]
const STATE = 'SELECT * FROM orders ORDER BY id'

/** Each with a database of its own for an upstream that is guarded and one that is only watched. */
const SERVERS = [
  { name: 'dbhub-sqlite', dialect: 'sqlite', tool: 'execute_sql' },
  { name: 'dbhub-postgresql', dialect: 'postgresql', tool: 'execute_sql' },
  { name: 'server-postgres', dialect: 'postgresql', tool: 'query' },
] as const
type Server = (typeof SERVERS)[number]

let home: string
let postgres: TestPostgres
let gateway: TestGateway

const sqliteFile = (upstream: string): string => join(home, upstream, 'shop.db')
const databaseOf = (upstream: string): string => upstream.replaceAll('-', '_')

/** Asked beside the server, as its owner would. */
async function stateOf({ dialect }: Server, upstream: string): Promise<string> {
  if (dialect === 'postgresql') return JSON.stringify(await postgres.run(databaseOf(upstream), STATE))
  const database = new DatabaseSync(sqliteFile(upstream), { readOnly: true })
  try {
    return JSON.stringify(database.prepare(STATE).all())
  } finally {
    database.close()
  }
}

async function prepare({ dialect }: Server, upstream: string): Promise<void> {
  if (dialect === 'postgresql') {
    await postgres.database(databaseOf(upstream), false)
    for (const sql of SETUP) await postgres.run(databaseOf(upstream), sql, [], OWNER)
    return
  }
  mkdirSync(join(home, upstream))
  chmodSync(join(home, upstream), 0o777)
  const database = new DatabaseSync(sqliteFile(upstream))
  for (const sql of SETUP) database.exec(sql)
  database.close()
  chmodSync(sqliteFile(upstream), 0o666)
}

function upstreamOf({ name, dialect, tool }: Server, upstream: string): TestUpstream {
  const rules = { sql: { sql: { dialect, tables: ['orders'], maxLimit: 2 } } }
  const inspection = {
    tools: { [tool]: { arguments: rules } },
    ...(upstream.startsWith('watched') && { mode: 'shadow' }),
  }
  const place = `postgres://${OWNER}:${PASSWORD}@127.0.0.1:${postgres.port}/${databaseOf(upstream)}`
  if (dialect === 'sqlite') {
    const command = [
      process.execPath,
      DBHUB,
      '--transport',
      'stdio',
      '--dsn',
      `sqlite://${sqliteFile(upstream)}`,
    ] as const
    return { name: upstream, command, readable: [MODULES], writable: [join(home, upstream)], inspection }
  }
  // The protocol of PostgreSQL begins in the clear, which the network of the sandbox does not let out.
  const stdio = { sandbox: { driver: 'none' } }
  const command =
    name === 'server-postgres'
      ? ([process.execPath, SERVER_POSTGRES, place] as const)
      : ([process.execPath, DBHUB, '--transport', 'stdio', '--dsn', `${place}?sslmode=disable`] as const)
  return { name: upstream, command, stdio, inspection }
}

before(
  async () => {
    home = mkdtempSync(join(tmpdir(), 'portcullis-sql-servers-'))
    chmodSync(home, 0o755)
    postgres = await startPostgres()
    const upstreams: TestUpstream[] = []
    for (const server of SERVERS) {
      for (const upstream of [`guarded-${server.name}`, `watched-${server.name}`]) {
        await prepare(server, upstream)
        upstreams.push(upstreamOf(server, upstream))
      }
    }
    gateway = await startTestGateway({ upstreams })
  },
  { timeout: 60_000 },
)
after(async () => {
  await gateway?.close()
  postgres?.remove()
  rmSync(home, { recursive: true, force: true })
})

async function call(server: Server, upstream: string, sql: string) {
  const { json } = await callTool(gateway, server.tool, { sql }, { url: gateway.endpoint(upstream) })
  return { code: json.result?._meta?.['dev.portcullis/code'], text: JSON.stringify(json.result ?? json) }
}

const REFUSED: readonly (readonly [why: string, sql: string])[] = [
  ['it writes', "UPDATE orders SET item = 'x'"],
  ['a second statement', 'SELECT id FROM orders LIMIT 1; DELETE FROM orders'],
  ['a second statement behind an end of a transaction', 'COMMIT; DELETE FROM orders'],
  ['another table', 'SELECT amount FROM salaries LIMIT 1'],
  ['another table in a subquery', 'SELECT id FROM orders WHERE price < (SELECT max(amount) FROM salaries) LIMIT 1'],
  ['too high a LIMIT', 'SELECT id FROM orders LIMIT 3'],
]

for (const server of SERVERS) {
  describe(`${server.name}, as npm has it`, () => {
    const [guarded, watched] = [`guarded-${server.name}`, `watched-${server.name}`]

    test('answers an honest query', async () => {
      const { text } = await call(server, guarded, 'SELECT item FROM orders WHERE price > 20 ORDER BY id LIMIT 2')
      assert.match(text, /Chair.*Desk/s)
    })

    for (const [why, sql] of REFUSED) {
      test(`sees nothing of a statement that is refused: ${why}`, async () => {
        const earlier = await stateOf(server, guarded)
        const { code, text } = await call(server, guarded, sql)
        assert.equal(code, 'inspection.refused', text)
        assert.doesNotMatch(text, /7777/)
        assert.equal(await stateOf(server, guarded), earlier)
      })
    }

    test('shows and destroys what it was kept from where it is only watched', async () => {
      assert.match((await call(server, watched, 'SELECT amount FROM salaries LIMIT 1')).text, /7777/)
      // Its own read-only transaction ends with a word of the caller, and a statement of more than one is run whole.
      const attack = server.name === 'server-postgres' ? 'COMMIT; DELETE FROM orders' : 'DELETE FROM orders'
      await call(server, watched, attack)
      assert.equal(await stateOf(server, watched), '[]')
    })
  })
}
