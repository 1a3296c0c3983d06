/** SB-1, SB-4: the times that the configuration gives a call of a program and a silent stream, and what a program never sees. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openSession } from '../conformance/checklist/session.ts'
import { startModern, tool, type Scripted } from '../conformance/checklist/scripted.ts'
import { errorOf, modern, modernRequest, open } from '../conformance/checklist/wire.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/hostile-stdio.ts')

/** Answers the handshake and the list, and nothing else. */
const SILENT = `
const answers = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'silent', version: '1' } },
  'tools/list': { tools: [{ name: 'wait', inputSchema: { type: 'object' } }] },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (answers[method]) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }))
})`

let upstream: Scripted
let gateway: TestGateway
let folder: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-times-'))
  mkdirSync(join(folder, 'policies'))
  mkdirSync(join(folder, 'shown'))
  writeFileSync(join(folder, 'shown', 'book'), 'a book')
  writeFileSync(join(folder, 'shown', 'token'), 'the token of the gateway', { mode: 0o600 })
  upstream = await startModern([tool('held')], {
    'tools/call': () => {},
    'subscriptions/listen': (turn) =>
      turn.event({ method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } }),
  })
  gateway = await startTestGateway({
    folder,
    config: { limits: { callSeconds: 5, listenIdleSeconds: 1 }, audit: { folder: join(folder, 'shown', 'audit') } },
    upstreams: [
      {
        name: 'silent',
        command: [process.execPath, '-e', SILENT],
        era: 'legacy',
        stdio: { deadlines: { callSeconds: 1 } },
      },
      {
        name: 'one',
        url: upstream.url,
        http: { headers: { authorization: { file: join(folder, 'shown', 'token') } } },
      },
      { name: 'reader', command: [process.execPath, SERVER], readable: [SERVER, folder] },
    ],
  })
})
after(async () => {
  await gateway?.close()
  await upstream?.close()
  rmSync(folder, { recursive: true })
})

const at = (path: string) => ({ ...gateway, url: `${gateway.origin}${path}` })

test('a call ends when the time of its program is over, by the path of the program and by that of all', async () => {
  for (const [path, name] of [
    ['/mcp/silent', 'wait'],
    ['/mcp', 'silent__wait'],
  ] as const) {
    const reply = await modern(at(path), { method: 'tools/call', params: { name, arguments: {} } })
    assert.equal(errorOf(reply).code, 504, path)
  }
})

test("a session's stream on which nothing happens ends, and without a message", { timeout: 20_000 }, async () => {
  const session = await openSession(at('/mcp/silent'))
  const { events } = await (await session.listen()).whole()
  assert.deepEqual(
    events.filter((event) => 'id' in event),
    [],
  )
})

test('a program sees no secret, no record and no configuration of the gateway in a folder that it was shown', async () => {
  const read = async (path: string): Promise<string> => {
    const { json } = await callTool(at('/mcp/reader'), 'read', { path: join(folder, path) }, { token: gateway.token })
    return json.result?.content[0].text ?? json.error.data.code
  }
  assert.equal(await read('shown/book'), 'did: a book')
  assert.doesNotMatch(await read('shown/token'), /the token/)
  assert.doesNotMatch(await read('portcullis.yaml'), /upstreams/)
  assert.doesNotMatch(await read('access.cedar'), /permit/)
  assert.match(await read('state/store.sqlite'), /^refused: E/)
  assert.match(await read('shown/audit'), /^refused: E/)
  const { json } = await callTool(
    at('/mcp/reader'),
    'list',
    { path: join(folder, 'shown', 'audit') },
    { token: gateway.token },
  )
  assert.match(json.result.content[0].text, /^refused: E/)
})

test('a subscription on which nothing happens ends', { timeout: 20_000 }, async () => {
  const request = modernRequest({
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true } },
  })
  assert.ok((await (await open(at('/mcp/one'), request)).whole()).events.length > 0)
})
