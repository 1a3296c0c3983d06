/** A client's header overriding a managed credential: the upstream gets the gateway's own, and nothing of the caller's. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startEverything } from '../fixtures/everything/http.ts'
import { type CountingUpstream, type SeenRequest, startCounting } from '../fixtures/counting-upstream.ts'
import { callTool, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startRecorder, type Recorder } from '../fixtures/recorder.ts'

const MANAGED = { authorization: 'Bearer managed-secret', 'x-api-key': 'managed-key' }
/** What an attacker would send to be somebody else upstream, or to be taken for a proxy. */
const FORGED = {
  'x-api-key': 'forged',
  'X-API-KEY': 'forged',
  cookie: 'session=forged',
  'proxy-authorization': 'Basic forged',
  'x-forwarded-for': '10.0.0.1',
  'x-forwarded-user': 'forged',
  forwarded: 'for=10.0.0.1',
  'x-real-ip': '10.0.0.1',
  'x-auth-token': 'forged',
  'x-tenant': 'forged',
  via: '1.1 forged',
}
/** Everything that the gateway itself has a reason to send. */
const OWN_HEADERS = new Set([
  ...['host', 'connection', 'content-length', 'content-type', 'accept', 'authorization', 'x-api-key'],
  ...['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id', 'last-event-id'],
])

let modern: CountingUpstream
let legacy: Recorder
let gateway: TestGateway

before(async () => {
  modern = await startCounting()
  legacy = await startRecorder(await startEverything())
  const http = { headers: { authorization: { env: 'UPSTREAM_TOKEN' }, 'x-api-key': { env: 'UPSTREAM_KEY' } } }
  gateway = await startTestGateway({
    upstreams: [
      { name: 'modern', url: modern.url, http },
      { name: 'legacy', url: legacy.url, era: 'legacy', http },
    ],
    environment: { UPSTREAM_TOKEN: MANAGED.authorization, UPSTREAM_KEY: MANAGED['x-api-key'] },
  })
})
after(async () => {
  await gateway.close()
  await modern.close()
  await legacy.close()
})

function assertManaged(requests: readonly Pick<SeenRequest, 'headers' | 'rawHeaders'>[]): void {
  assert.ok(requests.length > 0)
  for (const { headers, rawHeaders } of requests) {
    assert.equal(headers.authorization, MANAGED.authorization)
    assert.equal(headers['x-api-key'], MANAGED['x-api-key'])
    const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    assert.equal(new Set(names).size, names.length, 'no header came twice')
    assert.deepEqual(
      names.filter((name) => !OWN_HEADERS.has(name)),
      [],
    )
    const text = rawHeaders.join('\n')
    assert.ok(!text.includes(gateway.token) && !text.includes('forged'), text)
  }
}

test('a modern upstream gets the managed credential, whatever the caller sends', async () => {
  const reply = await callTool(gateway, 'echo', { text: 'x' }, { url: gateway.endpoint('modern'), headers: FORGED })
  assert.equal(reply.status, 200, reply.text)
  assert.equal(modern.count(), 1)
  assertManaged(modern.seen)
})

test('a legacy upstream gets the managed credential on every request of the session', async () => {
  const sending = { url: gateway.endpoint('legacy') }
  const session = await openSession(gateway, { ...sending, headers: FORGED })
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { message: 'x' } } }
  const reply = await send(gateway, message, { ...sending, headers: { ...session, ...FORGED } })
  assert.equal(reply.status, 200, reply.text)
  await send(gateway, undefined, { ...sending, method: 'DELETE', headers: { ...session, ...FORGED } })
  assertManaged(legacy.seen)
  const sessions = legacy.seen.map(({ headers }) => headers['mcp-session-id'])
  assert.ok(!sessions.includes(session['mcp-session-id']), 'the session of the caller stays at the gateway')
})

test('neither credential is in what was answered or logged', async () => {
  const reply = await callTool(gateway, 'echo', { text: 'x' }, { url: gateway.endpoint('modern') })
  const said = [reply.text, JSON.stringify(reply.headers), ...gateway.logged].join('\n')
  for (const secret of [gateway.token, 'managed-secret', 'managed-key']) assert.ok(!said.includes(secret))
})
