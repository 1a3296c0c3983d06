/** IN-2, IN-3: each rule of an argument has its effect through the running gateway, and its value another one without it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

type Rule = Readonly<Record<string, unknown>>
type Outcome = 'passes' | 'is refused'

/** A rule whose last key matters, a value, and what becomes of it by that rule; without the key it is the other way round. */
type Row = readonly [key: string, rule: Rule, value: string, outcome: Outcome]

const only = (program: string, flags: Rule = {}): Rule => ({ programs: { [program]: flags } })

const ROWS: readonly Row[] = [
  ['role', { role: 'identifier' }, "1' UNION SELECT password FROM users--", 'is refused'],
  ['sql.dialect', { sql: { dialect: 'mssql' } }, 'SELECT TOP 5 [a] FROM [t]', 'passes'],
  ['sql.statements', { sql: { statements: ['select', 'explain'] } }, 'EXPLAIN SELECT a FROM t', 'passes'],
  [
    'sql.readOnly',
    { sql: { statements: ['select', 'update'], readOnly: false } },
    'UPDATE t SET a = 1 WHERE b = 2',
    'passes',
  ],
  ['sql.tables', { sql: { tables: ['orders'] } }, 'SELECT a FROM people', 'is refused'],
  ['sql.defaultSchema', { sql: { tables: ['shop.orders'], defaultSchema: 'shop' } }, 'SELECT a FROM orders', 'passes'],
  ['sql.columns.allow', { sql: { columns: { allow: ['a'] } } }, 'SELECT b FROM t', 'is refused'],
  ['sql.columns.deny', { sql: { columns: { deny: ['b'] } } }, 'SELECT b FROM t', 'is refused'],
  ['sql.star', { sql: { star: 'refused' } }, 'SELECT * FROM t', 'is refused'],
  ['sql.functions.allow', { sql: { functions: { allow: ['count'] } } }, 'SELECT lower(a) FROM t', 'is refused'],
  ['sql.functions.deny', { sql: { functions: { deny: ['lower'] } } }, 'SELECT lower(a) FROM t', 'is refused'],
  ['sql.maxLimit', { sql: { maxLimit: 10 } }, 'SELECT a FROM t', 'is refused'],
  ['sql.maxBytes', { sql: { maxBytes: 20 } }, 'SELECT a FROM t WHERE b = 1', 'is refused'],
  ['shell.programs.NAME.allowedFlags', { shell: only('ls', { allowedFlags: ['-l'] }) }, 'ls -a', 'is refused'],
  ['shell.programs.NAME.deniedFlags', { shell: only('ls', { deniedFlags: ['-a'] }) }, 'ls -a', 'is refused'],
  ['shell.programs.NAME.operands', { shell: only('ls', { operands: 'none' }) }, 'ls docs', 'is refused'],
  ['shell.programs.NAME.runsOthers', { shell: only('env', { runsOthers: 'allowed' }) }, 'env ls', 'passes'],
  ['shell.allow', { shell: { programs: { ls: {}, wc: {} }, allow: ['pipes'] } }, 'ls | wc', 'passes'],
  [
    'shell.variant',
    { shell: { ...only('ls'), allow: ['compound'], variant: 'posix' } },
    'if [[ a = b ]]; then ls; fi',
    'is refused',
  ],
  ['shell.roots', { shell: { ...only('ls'), roots: ['/srv'] } }, 'ls /opt', 'is refused'],
  ['shell.directory', { shell: { ...only('ls'), roots: ['/srv'], directory: '/srv/a' } }, 'ls ../b', 'passes'],
  ['shell.maxLength', { shell: { ...only('ls'), maxLength: 5 } }, 'ls docs', 'is refused'],
  ['path.style', { path: { style: 'win32' } }, String.raw`docs\a.txt`, 'passes'],
  ['path.form', { path: { roots: ['/srv'], form: 'absolute' } }, 'a.txt', 'is refused'],
  ['path.roots', { path: { form: 'absolute', roots: ['/srv'] } }, '/opt/data/x.txt', 'is refused'],
  ['path.base', { path: { roots: ['/srv'], base: '/opt' } }, 'a.txt', 'is refused'],
  ['path.extensions', { path: { extensions: ['.txt'] } }, 'a.md', 'is refused'],
  ['path.parents', { path: { roots: ['/srv'], parents: 'within-roots' } }, 'a/../b.txt', 'passes'],
  ['path.maxLength', { path: { maxLength: 3 } }, 'a.txt', 'is refused'],
  ['url.hosts', { url: { hosts: ['api.example.com'] } }, 'https://www.example.org/', 'is refused'],
  ['url.insideHosts', { url: { insideHosts: 'allowed' } }, 'https://wiki.corp/', 'passes'],
  ['url.addresses', { url: { addresses: 'refused' } }, 'https://93.184.216.34/', 'is refused'],
  ['url.schemes', { url: { schemes: ['http'] } }, 'http://www.example.org/', 'passes'],
  ['url.ports', { url: { ports: [8443] } }, 'https://www.example.org:8443/', 'passes'],
  ['url.credentials', { url: { credentials: 'allowed' } }, 'https://user:word@www.example.org/', 'passes'],
  ['url.maxLength', { url: { maxLength: 20 } }, 'https://www.example.org/', 'is refused'],
  ['host.hosts', { host: { hosts: ['api.example.com'] } }, 'www.example.org', 'is refused'],
  ['host.insideHosts', { host: { insideHosts: 'allowed' } }, 'wiki.corp', 'passes'],
  ['host.addresses', { host: { addresses: 'refused' } }, '93.184.216.34', 'is refused'],
  ['host.port', { host: { port: 'allowed' } }, 'www.example.org:443', 'passes'],
]

const OTHER: Readonly<Record<Outcome, Outcome>> = { passes: 'is refused', 'is refused': 'passes' }

/** A copy in which the last key at every depth is the way to what is left out: that key itself. */
function withoutLast(rule: Rule): Rule {
  const [key = '', inner] = Object.entries(rule).at(-1) ?? []
  const rest = Object.fromEntries(Object.entries(rule).slice(0, -1))
  const isMap = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
  return isMap ? { ...rest, [key]: withoutLast(inner as Rule) } : rest
}

let upstream: CountingUpstream
let gateway: TestGateway

before(async () => {
  const named = ROWS.flatMap(([, rule], index) => [
    [`with-${index}`, rule] as const,
    [`without-${index}`, withoutLast(rule)] as const,
  ])
  const inputSchema = { type: 'object', properties: { x: { type: 'string' } } }
  upstream = await startCounting(named.map(([name]) => ({ name, inputSchema })))
  const tools = Object.fromEntries(named.map(([name, rule]) => [name, { arguments: { x: rule } }]))
  gateway = await startTestGateway({ upstreams: [{ name: 'ruled', url: upstream.url, inspection: { tools } }] })
})
after(async () => {
  await gateway?.close()
  await upstream?.close()
})

async function outcomeOf(tool: string, value: string): Promise<Outcome> {
  const earlier = upstream.count()
  const { json, text } = await callTool(gateway, tool, { x: value })
  if (json.result?.isError !== true) {
    assert.equal(upstream.count(), earlier + 1, text)
    return 'passes'
  }
  assert.equal(json.result._meta['dev.portcullis/code'], 'inspection.refused', text)
  assert.equal(upstream.count(), earlier)
  return 'is refused'
}

describe('a value is judged by its rule, and otherwise without it', () => {
  for (const [index, [key, , value, outcome]] of ROWS.entries()) {
    test(`${key}: ${value} ${outcome}`, async () => {
      assert.equal(await outcomeOf(`with-${index}`, value), outcome, 'with it')
      assert.equal(await outcomeOf(`without-${index}`, value), OTHER[outcome], 'without it')
    })
  }
})
