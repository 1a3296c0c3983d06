import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startModern, tool, type Turn, within } from './scripted.ts'
import { type Caller, type Json, modern, modernRequest, type Open, open } from './wire.ts'

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'
const POLICY = `@id("administrators")
permit (principal in Role::"admin", action, resource);
@id("users-read-what-is-open")
permit (principal in Role::"user", action, resource)
unless { resource == Resource::"one/file:///hidden" };
`

describe('checklist: subscriptions', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway
  const turns: Turn[] = []

  before(async () => {
    upstream = await startModern([tool('task')], {
      'subscriptions/listen': (turn) => {
        turns.push(turn)
        turn.event(
          notice('notifications/subscriptions/acknowledged', turn, { notifications: turn.params['notifications'] }),
        )
      },
      'tools/call': (turn) => turn.result({ resultType: 'task', taskId: 'task-1', status: 'working' }),
    })
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], policy: POLICY })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const listen = (caller: Caller, notifications: Json, id: string | number = 'listen-1'): Promise<Open> => {
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    return open(caller, modernRequest({ id, method: 'subscriptions/listen', params: { notifications }, capabilities }))
  }
  /** The upstream's side of the subscription that a client holds. */
  const turnWith = async (uri: string): Promise<Turn> => {
    const wanted = (turn: Turn) => JSON.stringify(turn.params['notifications']).includes(uri)
    assert.ok(await within(2_000, () => turns.some(wanted)))
    return turns.findLast(wanted) as Turn
  }

  it('row 23: the acknowledgement comes first, and nothing comes that was not asked for', async () => {
    const stream = await listen(gateway, { resourceSubscriptions: ['file:///a'] }, 42)
    const first = await stream.next()
    assert.equal(first['method'], 'notifications/subscriptions/acknowledged')
    assert.deepEqual(first['params'], {
      notifications: { resourceSubscriptions: ['file:///a'] },
      _meta: { [SUBSCRIPTION]: 42 },
    })
    const turn = await turnWith('file:///a')
    for (const uri of ['file:///b', 'file:///a']) turn.event(notice('notifications/resources/updated', turn, { uri }))
    turn.event(notice('notifications/prompts/list_changed', turn))
    turn.event(notice('notifications/resources/updated', turn, { uri: 'file:///a', last: true }))
    const heard = [await stream.next(), await stream.next()]
    const params = { uri: 'file:///a', _meta: { [SUBSCRIPTION]: 42 } }
    assert.deepEqual(heard, [
      { jsonrpc: '2.0', method: 'notifications/resources/updated', params },
      { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { ...params, last: true } },
    ])
    stream.leave()
    assert.ok(await within(1_000, () => turn.seen.aborted), 'the upstream was not told')
  })

  it('row 23: an upstream that ends the subscription ends it for the client', async () => {
    const stream = await listen(gateway, { resourceSubscriptions: ['file:///end'] }, 'x')
    await stream.next()
    const turn = await turnWith('file:///end')
    turn.result({ resultType: 'complete', _meta: { [SUBSCRIPTION]: turn.id } })
    const { body } = await stream.whole()
    assert.deepEqual(body, {
      jsonrpc: '2.0',
      id: 'x',
      result: { resultType: 'complete', _meta: { [SUBSCRIPTION]: 'x' } },
    })
  })

  it('row 24: what the reader may not see is not subscribed to, and the acknowledgement shows it', async () => {
    const token = await gateway.issue(['user'])
    await modern(gateway, {
      method: 'tools/call',
      params: { name: 'task' },
      capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    })
    const wishes = { resourceSubscriptions: ['file:///hidden', 'file:///open'], taskIds: ['task-1', 'task-2'] }
    const stream = await listen({ ...gateway, token }, wishes)
    const { params } = (await stream.next()) as { params: Json }
    assert.deepEqual(params['notifications'], { resourceSubscriptions: ['file:///open'] })
    const turn = await turnWith('file:///open')
    assert.deepEqual(turn.params['notifications'], { resourceSubscriptions: ['file:///open'] })
    stream.leave()
    const own = await listen(gateway, wishes)
    assert.deepEqual(((await own.next())['params'] as Json)['notifications'], { ...wishes, taskIds: ['task-1'] })
    own.leave()
  })

  it('row 24: a revocation ends the subscription on both sides', async () => {
    const token = await gateway.issue(['user'])
    const stream = await listen({ ...gateway, token }, { resourceSubscriptions: ['file:///revoked'] })
    await stream.next()
    const turn = await turnWith('file:///revoked')
    await gateway.revoke(token)
    const { body } = await stream.whole()
    assert.equal((body['result'] as Json)['resultType'], 'complete')
    assert.ok(await within(1_000, () => turn.seen.aborted))
    assert.equal((await listen({ ...gateway, token }, { toolsListChanged: true })).status, 401)
  })
})

const notice = (method: string, turn: Turn, params: Json = {}): Json => ({
  method,
  params: { ...params, _meta: { [SUBSCRIPTION]: turn.id } },
})
