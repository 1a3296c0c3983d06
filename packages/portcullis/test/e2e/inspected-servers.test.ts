/** IN-2, IN-3, IN-5: a careless stdio server that really runs SQL and commands. What hurts it when it is only watched never reaches it when it is guarded. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ask, callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/executing-stdio.ts')

const arguments_ = {
  sql: { sql: { dialect: 'sqlite', columns: { deny: ['password'] } } },
  shell_command: { shell: { programs: { echo: { operands: 'any' }, cat: { operands: 'paths' } }, roots: ['/public'] } },
}
const tools = {
  query: { arguments: { sql: arguments_.sql } },
  run: { arguments: { shell_command: arguments_.shell_command } },
}

const MORE: Readonly<Record<string, object>> = {
  watched: { mode: 'shadow' },
  asked: { roles: { identifier: { strong: 'ask' } } },
}

let home: string
let gateway: TestGateway

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-inspected-'))
  chmodSync(home, 0o755)
  const upstreams = ['guarded', 'watched', 'asked'].map((name) => {
    const folder = join(home, name)
    mkdirSync(join(folder, 'public'), { recursive: true })
    chmodSync(folder, 0o777)
    writeFileSync(join(folder, 'private'), 'NOT-FOR-YOU')
    writeFileSync(join(folder, 'public', 'page'), 'for all')
    const inspection = { tools, ...MORE[name] }
    return {
      name,
      command: [process.execPath, SERVER, folder] as const,
      readable: [SERVER],
      writable: [folder],
      inspection,
    }
  })
  gateway = await startTestGateway({ upstreams })
})
after(async () => {
  await gateway.close()
  rmSync(home, { recursive: true, force: true })
})

async function call(upstream: string, tool: string, args: object) {
  const { json } = await callTool(gateway, tool, args, { url: gateway.endpoint(upstream) })
  return { code: json.result?._meta?.['dev.portcullis/code'], text: String(json.result?.content?.[0]?.text) }
}

const traces = (upstream: string): string => {
  const file = join(home, upstream, 'ran')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const ATTACKS: readonly (readonly [tool: string, args: object, harm: RegExp])[] = [
  ['find_user', { user_id: "' UNION SELECT password FROM users --" }, /SECRET-OF-ADA/],
  ['find_user', { user_id: "x' OR '1'='1" }, /Ada.*Bob/],
  ['query', { sql: 'SELECT password FROM users' }, /SECRET-OF-BOB/],
  ['query', { sql: 'SELECT name FROM users; DROP TABLE users' }, /Ada/],
  ['greet_host', { hostname: 'a; cat private' }, /NOT-FOR-YOU/],
  ['greet_host', { hostname: '$(cat private)' }, /NOT-FOR-YOU/],
  ['run', { shell_command: 'echo a && cat private' }, /NOT-FOR-YOU/],
  ['run', { shell_command: 'cat ../watched/private' }, /NOT-FOR-YOU/],
  ['read', { file_path: '../../watched/private' }, /NOT-FOR-YOU/],
]

describe('an attack', () => {
  for (const [tool, args, harm] of ATTACKS) {
    test(`${tool} ${JSON.stringify(args)}`, async () => {
      const harmed = await call('watched', tool, args)
      assert.match(harmed.text, harm, 'the attack is none')
      const earlier = traces('guarded')
      const refused = await call('guarded', tool, args)
      assert.equal(refused.code, 'inspection.refused', refused.text)
      assert.doesNotMatch(refused.text, harm)
      assert.equal(traces('guarded'), earlier)
    })
  }
})

const HONEST: readonly (readonly [tool: string, args: object, gives: RegExp])[] = [
  ['find_user', { user_id: '2' }, /Bob/],
  ['query', { sql: "SELECT name FROM users WHERE name LIKE 'A%' ORDER BY name" }, /Ada/],
  ['greet_host', { hostname: 'example.com' }, /hello example\.com/],
  ['run', { shell_command: "echo 'it works'" }, /it works/],
  ['read', { file_path: 'page' }, /for all/],
]

describe('honest work', () => {
  for (const [tool, args, gives] of HONEST) {
    test(`${tool} ${JSON.stringify(args)}`, async () => {
      const done = await call('guarded', tool, args)
      assert.equal(done.code, undefined)
      assert.match(done.text, gives)
    })
  }
})

test('a person approves a call of a modern client on this legacy server, and it runs once', async () => {
  const url = gateway.endpoint('asked')
  const args = { user_id: "x' OR '1'='1" }
  const send = (more: object) =>
    ask(
      gateway,
      'tools/call',
      { name: 'find_user', arguments: args, ...more },
      { url, capabilities: { elicitation: {} } },
    )
  const { requestState } = (await send({})).json.result
  assert.equal(traces('asked'), '')
  const inputResponses = { 'portcullis-approval': { action: 'accept', content: { approve: true } } }
  const done = await send({ requestState, inputResponses })
  assert.match(done.json.result.content[0].text, /Ada.*Bob/)
  await send({ requestState, inputResponses })
  assert.equal(traces('asked'), 'find_user\n')
})
