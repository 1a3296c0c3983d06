import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool, type Turn } from './scripted.ts'
import { openSession } from './session.ts'
import { type Caller, errorOf, type Json, modern, open, resultOf, textOf } from './wire.ts'

const INNER = 'inner state of the upstream'
const form = (properties: Json) => ({
  method: 'elicitation/create',
  params: { mode: 'form', message: 'Please', requestedSchema: { type: 'object', properties } },
})
const link = (url: string) => ({ method: 'elicitation/create', params: { mode: 'url', message: 'Please', url } })
const sampling = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
const FORMS = { elicitation: { form: {}, url: {} } }

const QUESTIONS: Readonly<Record<string, Json>> = {
  fair: form({ name: { type: 'string' } }),
  password: form({ password: { type: 'string' } }),
  plain_link: link('http://evil.example/'),
  script_link: link('javascript:alert(1)'),
  credentials_link: link('https://user:secret@evil.example/'),
  sampling,
}

function answer(turn: Turn): void {
  const name = String(turn.params['name'])
  const { requestState } = turn.params
  if (name === 'task') return turn.result({ resultType: 'task', taskId: 'task-1', status: 'working' })
  if (requestState === undefined)
    return turn.result({ resultType: 'input_required', inputRequests: { q: QUESTIONS[name] }, requestState: INNER })
  turn.result({ resultType: 'complete', content: [{ type: 'text', text: `state: ${String(requestState)}` }] })
}

describe('checklist: state', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway
  let other: Caller

  before(async () => {
    upstream = await startModern(
      [...Object.keys(QUESTIONS), 'task'].map((name) => tool(name)),
      {
        'tools/call': answer,
        'tasks/get': (turn) =>
          turn.result({ resultType: 'complete', taskId: turn.params['taskId'], status: 'working' }),
        'tasks/cancel': (turn) => turn.result({ resultType: 'complete' }),
        'completion/complete': (turn) => turn.result({ resultType: 'input_required', inputRequests: { q: sampling } }),
      },
    )
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
    other = { ...gateway, token: await gateway.issue(['admin']) }
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const call = (caller: Caller, name: string, more: Json = {}, capabilities: Json = FORMS) =>
    modern(caller, { method: 'tools/call', params: { name, ...more }, capabilities })

  it('row 26: an upstream asks only for what this request declared, and nothing unsafe', async () => {
    assert.equal(resultOf(await call(gateway, 'fair'))['resultType'], 'input_required')
    for (const name of ['password', 'plain_link', 'script_link', 'credentials_link', 'sampling']) {
      const reply = await call(gateway, name)
      assert.deepEqual([reply.status, reply.body['result']], [502, undefined], name)
    }
    assert.equal((await call(gateway, 'fair', {}, {})).status, 502)
    assert.equal((await call(gateway, 'fair', {}, { elicitation: { url: {} } })).status, 502)
    const completion = await modern(gateway, {
      method: 'completion/complete',
      params: { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } },
      capabilities: { sampling: {} },
    })
    assert.equal(completion.status, 502)
  })

  it('row 27: the state of an upstream travels sealed and comes back to it exactly', async () => {
    const first = resultOf(await call(gateway, 'fair', { arguments: { b: 1, a: 2 } }))
    const state = String(first['requestState'])
    assert.ok(!state.includes(INNER) && !Buffer.from(state, 'base64url').toString('latin1').includes(INNER))
    const retry = { requestState: state, inputResponses: { q: { action: 'accept', content: { name: 'x' } } } }
    const second = await call(gateway, 'fair', { arguments: { a: 2, b: 1 }, ...retry })
    assert.equal(textOf(second), `state: ${INNER}`)
    const { params } = upstream.last('tools/call').body as { params: Json }
    assert.deepEqual(params['inputResponses'], retry.inputResponses)
  })

  it('row 27: a state is worth nothing to another, for another request, or changed', async () => {
    const args = { arguments: { a: 1 } }
    const requestState = String(resultOf(await call(gateway, 'fair', args))['requestState'])
    const earlier = upstream.of('tools/call').length
    const changed = `${requestState.slice(0, -2)}${requestState.endsWith('AA') ? 'BB' : 'AA'}`
    const bad: ReadonlyArray<readonly [string, Caller, string, Json]> = [
      ['another principal', other, 'fair', { ...args, requestState }],
      ['other arguments', gateway, 'fair', { arguments: { a: 2 }, requestState }],
      ['another tool', gateway, 'sampling', { ...args, requestState }],
      ['a changed state', gateway, 'fair', { ...args, requestState: changed }],
      ['the bare state', gateway, 'fair', { ...args, requestState: INNER }],
      ['no text', gateway, 'fair', { ...args, requestState: { x: 1 } }],
    ]
    for (const [title, caller, name, params] of bad) {
      const reply = await call(caller, name, params)
      assert.deepEqual([reply.status, errorOf(reply).code], [400, -32602], title)
    }
    assert.equal(upstream.of('tools/call').length, earlier)
  })

  it('row 28: a task belongs to whoever created it', async () => {
    const created = resultOf(await call(gateway, 'task', {}, TASKS))
    assert.deepEqual([created['resultType'], created['taskId']], ['task', 'task-1'])
    const ask = (caller: Caller, method: string, taskId: string) =>
      modern(caller, { method, params: { taskId }, capabilities: TASKS })
    assert.equal(resultOf(await ask(gateway, 'tasks/get', 'task-1'))['status'], 'working')
    const earlier = upstream.seen.length
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const foreign = await ask(other, method, 'task-1')
      const unknown = await ask(gateway, method, 'task-2')
      assert.deepEqual([foreign.status, errorOf(foreign).code], [400, -32602], method)
      assert.equal(errorOf(foreign).message, errorOf(unknown).message)
    }
    assert.equal(upstream.seen.length, earlier)
    const undeclared = await modern(gateway, { method: 'tasks/get', params: { taskId: 'task-1' } })
    assert.deepEqual([undeclared.status, errorOf(undeclared).code], [400, -32021])
  })

  it('row 29: a handle is never a proof of who is calling', async () => {
    const session = await openSession(gateway)
    const { headers } = session
    const message = { jsonrpc: '2.0', id: 1, method: 'ping' }
    for (const [token, status] of [
      [other.token, 404],
      ['', 401],
      ['no such token', 401],
    ] as const) {
      const reply = await (await open({ ...gateway, token }, { headers, message })).whole()
      assert.equal(reply.status, status)
      const ended = await (await open({ ...gateway, token }, { method: 'DELETE', headers })).whole()
      assert.equal(ended.status, status)
    }
    assert.equal((await session.request('ping')).status, 200, 'the session was ended by another')
  })
})
