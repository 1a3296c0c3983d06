/** State not bound to its principal: sessions, streams, sealed states and tasks of somebody else look like none at all. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type RunningFixture, startEverything } from '../fixtures/everything/http.ts'
import { type CountedTool, startCounting } from '../fixtures/counting-upstream.ts'
import { ask, openSession, type Reply, send, stream } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

let everything: RunningFixture
let gateway: TestGateway
/** Title and token of everybody who is not the owner. */
let others: readonly (readonly [string, string])[]
let owner: string

before(async () => {
  everything = await startEverything()
  gateway = await startTestGateway({
    upstreams: [
      { name: 'one', url: everything.url },
      { name: 'two', url: everything.url },
    ],
  })
  owner = await gateway.issue(['admin'])
  others = [
    ['another principal', await gateway.issue(['admin'])],
    ['another tenant', await gateway.issue(['admin'], { tenant: 'other' })],
  ]
})
after(async () => {
  await gateway.close()
  await everything.close()
})

/** The answer without what is new each time. */
const withoutIncident = ({ status, json }: Reply): string =>
  `${status} ${JSON.stringify(json).replace(json?.error?.data?.incident, 'INCIDENT')}`

const ping = { jsonrpc: '2.0', id: 7, method: 'ping' }

test('a session of somebody else is answered like one that never was', async () => {
  const session = await openSession(gateway, { token: owner })
  const unknown = { ...session, 'mcp-session-id': 'A'.repeat(43) }
  for (const [who, token] of others) {
    for (const [method, body] of [
      ['POST', ping],
      ['POST', { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'echo', arguments: { message: 'x' } } }],
      ['POST', { jsonrpc: '2.0', id: 'portcullis-1', result: {} }],
      ['POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }],
      ['GET', undefined],
      ['DELETE', undefined],
    ] as const) {
      const foreign = await send(gateway, body, { method, token, headers: session })
      assert.equal(foreign.status, 404, `${method} of ${who}`)
      const never = await send(gateway, body, { method, token, headers: unknown })
      assert.equal(withoutIncident(foreign), withoutIncident(never), `${method} of ${who}`)
    }
  }
  assert.equal((await send(gateway, ping, { token: owner, headers: session })).status, 200, 'the owner still has it')
})

test('a session is good for the path on which it was opened, and for no other', async () => {
  const session = await openSession(gateway, { token: owner, url: gateway.endpoint('one') })
  for (const url of [gateway.endpoint('two'), `${gateway.origin}/mcp`]) {
    assert.equal((await send(gateway, ping, { token: owner, url, headers: session })).status, 404)
  }
})

test('a session without a credential, or with a revoked one, opens nothing', async () => {
  const token = await gateway.issue(['admin'])
  const session = await openSession(gateway, { token })
  assert.equal((await send(gateway, ping, { token: null, headers: session })).status, 401)
})

test('events of a stream of somebody else are not played again', async () => {
  const session = await openSession(gateway, { token: owner })
  const call = { name: 'test_tool_with_progress', arguments: {}, _meta: { progressToken: 'p' } }
  const own = await send(
    gateway,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call },
    {
      token: owner,
      headers: session,
    },
  )
  const [, id = ''] = /^id: (.+)$/m.exec(own.text) ?? []
  assert.notEqual(id, '', 'the stream has events with ids')
  for (const [who, token] of others) {
    const headers = { ...session, 'last-event-id': id }
    const reply = await send(gateway, undefined, { method: 'GET', token, headers })
    assert.equal(reply.status, 404, who)
    const theirs = await openSession(gateway, { token })
    const resumed = await stream(gateway, undefined, {
      method: 'GET',
      token,
      headers: { ...theirs, 'last-event-id': id },
    })
    assert.ok(!resumed.text().includes('progress'), who)
    resumed.close()
  }
})

const capabilities = { elicitation: { form: {} } }
const FORM = {
  mode: 'form',
  message: 'Sure?',
  requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } } },
}

/** Asks once and then acts: a tool whose second round must be of the same caller. */
const transfer = (name: string): CountedTool => ({
  name,
  inputSchema: { type: 'object', properties: { to: { type: 'string' } } },
  run: () => ({
    resultType: 'input_required',
    inputRequests: { sure: { method: 'elicitation/create', params: FORM } },
    requestState: 'inner-state',
  }),
})

test('a sealed state of somebody else, or of another request, is not opened', async (t) => {
  const upstream = await startCounting([transfer('transfer'), transfer('other')])
  const two = ['three', 'four'].map((name) => ({ name, url: upstream.url }))
  const sealing = await startTestGateway({ upstreams: two })
  t.after(() => upstream.close())
  t.after(() => sealing.close())
  const mine = await sealing.issue(['admin'])
  const params = { name: 'transfer', arguments: { to: 'me' } }
  const asked = await ask(sealing, 'tools/call', params, { token: mine, capabilities })
  const { requestState } = asked.json.result
  assert.ok(!Buffer.from(requestState, 'base64url').includes('inner-state'), 'the state is not shown')
  const inputResponses = { sure: { action: 'accept', content: { ok: true } } }
  const again = (more: object, token = mine, url = sealing.url) =>
    ask(sealing, 'tools/call', { ...params, inputResponses, requestState, ...more }, { token, capabilities, url })
  const calls = upstream.count()
  assertInvalid(await again({}, await sealing.issue(['admin'])), 'another principal')
  assertInvalid(await again({}, await sealing.issue(['admin'], { tenant: 'other' })), 'another tenant')
  assertInvalid(await again({ arguments: { to: 'you' } }), 'other arguments')
  assertInvalid(await again({ name: 'other' }), 'another tool')
  assertInvalid(await again({}, mine, sealing.endpoint('four')), 'another upstream')
  for (const state of [flipped(requestState), '', 'inner-state', requestState.slice(0, -4), 7, null, {}]) {
    assertInvalid(await again({ requestState: state }), `the state ${JSON.stringify(state)}`)
  }
  assert.equal(upstream.count(), calls, 'nothing of all this was carried over')
  await again({})
  assert.equal(upstream.count(), calls + 1, 'for its owner it is good')
  assert.equal(upstream.seen.at(-1)?.message.params.requestState, 'inner-state')
})

function assertInvalid(reply: Reply, what: string): void {
  assert.deepEqual([reply.status, reply.json.error?.data?.code], [400, 'state.invalid'], `${what}: ${reply.text}`)
}

const flipped = (state: string): string => `${state.slice(0, 20)}${state[20] === 'A' ? 'B' : 'A'}${state.slice(21)}`

test('a task of somebody else is answered like one that never was', async () => {
  const created = await ask(
    gateway,
    'tools/call',
    { name: 'slow_compute', arguments: { seconds: 30 } },
    { token: owner, capabilities: TASKS },
  )
  const taskId = created.json.result?.taskId ?? created.json.result?.task?.taskId
  assert.equal(typeof taskId, 'string', created.text)
  const never = '00000000-0000-4000-8000-000000000000'
  for (const [who, token] of others) {
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const foreign = await ask(gateway, method, { taskId, inputResponses: {} }, { token, capabilities: TASKS })
      const unknown = await ask(gateway, method, { taskId: never, inputResponses: {} }, { token, capabilities: TASKS })
      assert.equal(foreign.json.error.code, -32602, `${method} of ${who}`)
      assert.equal(withoutIncident(foreign), withoutIncident(unknown), `${method} of ${who}`)
    }
    const listening = await listenFor(taskId, token)
    assert.ok(!listening.includes(taskId), `subscriptions/listen of ${who}`)
  }
  const other = { url: gateway.endpoint('two'), token: owner, capabilities: TASKS }
  assert.equal((await ask(gateway, 'tasks/get', { taskId }, other)).json.error.code, -32602, 'by another path')
  const own = await ask(gateway, 'tasks/get', { taskId }, { token: owner, capabilities: TASKS })
  assert.notEqual(own.json.result.status, 'cancelled', 'for its owner it goes on')
})

async function listenFor(taskId: string, token: string): Promise<string> {
  const reply = await ask(gateway, 'subscriptions/listen', { notifications: { taskIds: [taskId] } }, { token })
  return reply.text
}
