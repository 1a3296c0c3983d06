import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, startLegacy, tool, type Turn, within } from './scripted.ts'
import { openSession } from './session.ts'
import { errorOf, type Json, open, type Reply, resultOf, textOf } from './wire.ts'

const said = (text: string) => ({ content: [{ type: 'text', text }] })

describe('checklist: legacy sessions', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway
  const turns: Turn[] = []

  before(async () => {
    upstream = await startLegacy(
      ['quick', 'steps', 'asks'].map((name) => tool(name)),
      {
        'tools/call': (turn) => {
          turns.push(turn)
          if (turn.params['name'] === 'quick') return turn.result(said('quick'))
          if (turn.params['name'] === 'asks')
            return turn.event({ id: 'q', method: 'sampling/createMessage', params: {} })
          turn.event(progress(turn, 1))
        },
      },
    )
    gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const sent = async (
    message: unknown,
    headers: Readonly<Record<string, string>> = {},
    method = 'POST',
  ): Promise<Reply> => (await open(gateway, { method, headers, ...(method === 'POST' && { message }) })).whole()
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const latest = async (count: number): Promise<Turn> => {
    assert.ok(await within(2_000, () => turns.length > count))
    return turns.at(-1) as Turn
  }

  it('row 30: a session has an unguessable id, is required, and ends by DELETE', async () => {
    const session = await openSession(gateway)
    const second = await openSession(gateway)
    assert.match(session.id, /^[\w-]{43}$/)
    assert.notEqual(session.id, second.id)
    assert.equal((await sent(ping)).status, 400)
    assert.equal((await sent(ping, { ...session.headers, 'mcp-session-id': `${session.id}x` })).status, 404)
    assert.equal((await session.request('ping')).status, 200)
    assert.equal((await sent(undefined, session.headers, 'DELETE')).status, 200)
    for (const method of ['POST', 'GET', 'DELETE'])
      assert.equal((await sent(ping, session.headers, method)).status, 404)
    assert.equal((await second.request('ping')).status, 200)
  })

  it('row 30: an unknown method does not look like the end of the session', async () => {
    const session = await openSession(gateway)
    const reply = await session.request('no/such')
    assert.deepEqual([reply.status, errorOf(reply).code], [200, -32601])
  })

  it('row 30: the own stream of a session stays open, and a new one replaces it', async () => {
    const session = await openSession(gateway)
    const first = await session.listen()
    assert.deepEqual([first.status, first.headers['content-type']], [200, 'text/event-stream'])
    const second = await session.listen()
    await first.whole()
    await sent(undefined, session.headers, 'DELETE')
    await second.whole()
  })

  it('row 30: a stream that broke goes on where it was, as often as need be, for its own client only', async () => {
    const session = await openSession(gateway)
    const count = turns.length
    const call = session.begin('tools/call', { name: 'steps', _meta: { progressToken: 'p' } }, 'mine')
    const turn = await latest(count)
    const broken = await call.opened
    const first = await broken.next()
    assert.equal((first['params'] as Json)['progress'], 1)
    broken.leave()
    turn.event(progress(turn, 2))
    const again = await session.listen(broken.ids.at(-1))
    assert.equal(((await again.next())['params'] as Json)['progress'], 2)
    again.leave()
    turn.event(progress(turn, 3))
    const thief = await openSession(gateway)
    const stolen = await thief.listen(again.ids.at(-1))
    const third = await session.listen(again.ids.at(-1))
    assert.equal(((await third.next())['params'] as Json)['progress'], 3)
    turn.result(said('done'))
    const { body, events } = await third.whole()
    assert.deepEqual([body['id'], resultOf({ ...(await third.whole()), body })], ['mine', said('done')])
    assert.equal(events.length, 2)
    await sent(undefined, thief.headers, 'DELETE')
    assert.deepEqual((await stolen.whole()).events, [])
    const afterwards = await (await session.listen(broken.ids.at(-1))).whole()
    assert.equal(afterwards.events.length, 3, 'the rest is told again to a client that asks from further back')
  })

  it('row 31: the version of a session is one that is spoken, and its absence means 2025-03-26', async () => {
    const session = await openSession(gateway)
    const id = { 'mcp-session-id': session.id }
    for (const version of ['2024-01-01', 'latest', '2026-07-28']) {
      assert.equal((await sent(ping, { ...id, 'mcp-protocol-version': version })).status, 400, version)
    }
    assert.equal((await sent(ping, id)).status, 200)
    for (const version of ['2025-11-25', '2025-06-18', '2025-03-26']) {
      const { initialized } = await openSession(gateway, { version })
      assert.ok(['2025-11-25', version].includes(String(resultOf(initialized)['protocolVersion'])), version)
    }
    const unknown = await openSession(gateway, { version: '1999-01-01' })
    assert.equal(resultOf(unknown.initialized)['protocolVersion'], '2025-11-25')
  })

  it('row 32: a question reaches only a client that declared it can answer', async () => {
    const count = turns.length
    const mute = await openSession(gateway)
    const refused = mute.begin('tools/call', { name: 'asks' })
    const turn = await latest(count)
    const isAnswer = ({ body }: { readonly body: Json }) => body['id'] === 'q' && body['method'] === undefined
    assert.ok(await within(2_000, () => upstream.seen.some(isAnswer)))
    assert.ok('error' in (upstream.seen.find(isAnswer)?.body ?? {}))
    turn.result(said('refused'))
    const reply = await (await refused.opened).whole()
    assert.deepEqual([textOf(reply), reply.events.filter((event) => 'method' in event)], ['refused', []])
    const able = await openSession(gateway, { capabilities: { sampling: {} } })
    const asked = await able.begin('tools/call', { name: 'asks' }).opened
    const question = await asked.next()
    assert.deepEqual([question['method'], question['id'] === 'q'], ['sampling/createMessage', false])
    await able.tell({
      id: question['id'],
      result: { role: 'assistant', model: 'm', content: { type: 'text', text: 'y' } },
    })
    assert.ok(await within(2_000, () => upstream.seen.filter(isAnswer).length === 2))
    assert.ok('result' in (upstream.seen.findLast(isAnswer)?.body ?? {}))
    ;(turns.at(-1) as Turn).result(said('answered'))
    assert.equal(textOf(await asked.whole()), 'answered')
  })

  it('row 49: initialize is answered on every endpoint, the aggregate one too', async () => {
    const session = await openSession({ ...gateway, url: `${gateway.origin}/mcp` })
    const { capabilities, serverInfo, protocolVersion } = resultOf(session.initialized)
    assert.ok((capabilities as Json)['tools'])
    assert.deepEqual([(serverInfo as Json)['name'], protocolVersion], ['portcullis', '2025-11-25'])
    assert.equal(textOf(await session.request('tools/call', { name: 'one__quick' })), 'quick')
    const elsewhere = await (await open(gateway, { message: ping, headers: session.headers })).whole()
    assert.equal(elsewhere.status, 404, 'a session is of one endpoint')
  })
})

function progress(turn: Turn, value: number): Json {
  const { progressToken } = turn.params['_meta'] as Json
  return { method: 'notifications/progress', params: { progressToken, progress: value } }
}
