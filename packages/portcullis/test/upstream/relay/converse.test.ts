import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import type { Outgoing } from '../../../src/core/exchange.ts'
import type { Params } from '../../../src/mcp/message.ts'
import { META } from '../../../src/mcp/meta.ts'
import { isFault } from '../harness.ts'
import {
  BOB,
  type Behaviour,
  type Bench,
  bench,
  failed,
  fakeUpstream,
  errorIn,
  resultIn,
  settled,
  type Sent,
} from './bench.ts'

const FORM = { mode: 'form', message: 'Who?', requestedSchema: { type: 'object', properties: {} } }
const elicitation = { method: 'elicitation/create', params: FORM }
const ABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const done = (text: string) => ({
  resultType: 'complete',
  ttlMs: 5,
  cacheScope: 'public',
  content: [{ type: 'text', text }],
})
const asks = (inputRequests: Params, requestState?: string) => ({
  resultType: 'input_required',
  inputRequests,
  requestState,
})

describe('a legacy client on a modern upstream', () => {
  const open: Bench[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  const setUp = (behaviour: Behaviour) => {
    const one = fakeUpstream('one', 'modern', (turn) =>
      turn.request.method === 'tools/list' ? { tools: [{ name: 'tool', inputSchema: {} }] } : behaviour(turn),
    )
    const gate = bench([one])
    open.push(gate)
    return { one, gate }
  }
  const question = async (sent: Sent, at: number): Promise<Outgoing> => {
    for (let tries = 0; tries < 50 && sent.messages.length <= at; tries++) await settled()
    return sent.messages[at] ?? assert.fail('nothing was asked')
  }

  it('turns every round of input_required into questions, and repeats the request with the answers and the state', async () => {
    const { gate, one } = setUp(({ request: { params } }) => {
      if (params['requestState'] === undefined) return asks({ a: elicitation, b: { method: 'roots/list' } }, 'round 1')
      return params['requestState'] === 'round 1' ? asks({ c: elicitation }, 'round 2') : done('both')
    })
    const session = gate.session(undefined, ABLE)
    const sent = gate.send({ session }, 'tools/call', { name: 'tool', arguments: {} })
    const [first, second] = [await question(sent, 0), await question(sent, 1)]
    assert.deepEqual(
      [first['method'], second['method'], first['id'] === second['id']],
      ['elicitation/create', 'roots/list', false],
    )
    session.settle({ jsonrpc: '2.0', id: second['id'] as string, result: { roots: [] } })
    session.settle({ jsonrpc: '2.0', id: first['id'] as string, result: { action: 'accept' } })
    const third = await question(sent, 2)
    session.settle({ jsonrpc: '2.0', id: third['id'] as string, result: { action: 'decline' } })
    assert.deepEqual(resultIn(await sent.answer), { content: [{ type: 'text', text: 'both' }] })
    const rounds = one.turns
      .filter(({ request }) => request.method === 'tools/call')
      .map(({ request }) => request.params)
    assert.deepEqual(rounds[1]?.['inputResponses'], { a: { action: 'accept' }, b: { roots: [] } })
    assert.deepEqual([rounds[1]?.['requestState'], rounds[2]?.['requestState']], ['round 1', 'round 2'])
    assert.deepEqual(rounds[2]?.['inputResponses'], { c: { action: 'decline' } })
  })

  it('gives the upstream an envelope of what the client said of itself, without tasks of either kind', async () => {
    const { gate, one } = setUp(() => done('x'))
    const extensions = { 'io.modelcontextprotocol/tasks': {}, 'com.example/x': {} }
    const session = gate.session(undefined, { sampling: {}, tasks: {}, extensions })
    await gate.send({ session }, 'logging/setLevel', { level: 'debug' }).answer
    await gate.send({ session }, 'tools/call', { name: 'tool', _meta: { progressToken: 'p' } }).answer
    assert.deepEqual(one.turns.at(-1)?.request.params['_meta'], {
      progressToken: 'p',
      [META.version]: '2026-07-28',
      [META.clientInfo]: { name: 'client' },
      [META.clientCapabilities]: { sampling: {}, extensions: { 'com.example/x': {} } },
      [META.logLevel]: 'debug',
    })
  })

  it('gives a link the id that the 2025 revisions demand', async () => {
    const { gate } = setUp(({ request: { params } }) =>
      params['inputResponses']
        ? done('x')
        : asks({
            a: { method: 'elicitation/create', params: { mode: 'url', message: 'm', url: 'https://a.example/' } },
          }),
    )
    const session = gate.session(undefined, ABLE)
    const sent = gate.send({ session }, 'tools/call', { name: 'tool' })
    const asked = await question(sent, 0)
    assert.match(String((asked['params'] as Params)['elicitationId']), /^[0-9a-f-]{36}$/)
    session.settle({ jsonrpc: '2.0', id: asked['id'] as string, result: { action: 'accept' } })
    await sent.answer
  })

  it('ends the call when the client refuses, or was never able to answer', async () => {
    const { gate } = setUp(() => asks({ a: elicitation }))
    const session = gate.session(undefined, ABLE)
    const sent = gate.send({ session }, 'tools/call', { name: 'tool' })
    const asked = await question(sent, 0)
    session.settle({ ...failed(-1, 'no thanks'), id: asked['id'] as string })
    await assert.rejects(sent.answer, isFault('upstream.unsupported'))
    const unable = gate.send({ session: gate.session() }, 'tools/call', { name: 'tool' })
    await assert.rejects(unable.answer, isFault('upstream.unsupported'))
    assert.deepEqual(unable.messages, [], 'a client that declared nothing was asked')
  })

  it('gives up an upstream that never stops asking, and one that answers with a task', async () => {
    const { gate, one } = setUp(() => asks({}, 'again'))
    await assert.rejects(
      gate.send({ session: gate.session() }, 'tools/call', { name: 'tool' }).answer,
      isFault('upstream.malformed'),
    )
    assert.equal(one.turns.filter(({ request }) => request.method === 'tools/call').length, 16)
    const tasks = setUp(() => ({ resultType: 'task', taskId: 't' }))
    await assert.rejects(
      tasks.gate.send({ session: tasks.gate.session() }, 'tools/call', { name: 'tool' }).answer,
      isFault('upstream.malformed'),
    )
  })

  it('ends a question that is never answered together with its call, and tells the client', async () => {
    const { gate } = setUp(() => asks({ a: elicitation }))
    const session = gate.session(undefined, ABLE)
    const sent = gate.send({ session, id: 'mine' }, 'tools/call', { name: 'tool' })
    const asked = await question(sent, 0)
    await gate.send({ session }, 'notifications/cancelled', { requestId: 'mine' }).answer
    await assert.rejects(sent.answer)
    const withdrawn = await question(sent, 1)
    assert.deepEqual(
      [withdrawn['method'], withdrawn['params']],
      ['notifications/cancelled', { requestId: asked['id'] }],
    )
    assert.equal(session.settle({ jsonrpc: '2.0', id: asked['id'] as string, result: {} }), false)
  })

  it('listens for the session, once, and anew with every subscription', async () => {
    const { gate, one } = setUp((turn) => {
      if (turn.request.method !== 'subscriptions/listen') return done('x')
      const meta = { _meta: { [META.subscriptionId]: turn.request.id } }
      void turn.events.notify({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: meta })
      void turn.events.notify({
        jsonrpc: '2.0',
        method: 'notifications/resources/updated',
        params: { uri: 'a:1', ...meta },
      })
      return new Promise((resolve) => turn.cancellation.onCancel(() => resolve({})))
    })
    const session = gate.session()
    const listens = () => one.turns.filter(({ request }) => request.id === 'feed')
    await gate.send({ session }, 'resources/subscribe', { uri: 'a:1' }).answer
    await settled()
    gate.parts.listeners.of(gate.parts, session, one.upstream).start()
    await gate.send({ session }, 'resources/subscribe', { uri: 'a:2' }).answer
    await settled()
    assert.deepEqual(
      listens().map(({ request, cancellation }) => [
        (request.params['notifications'] as Params)['resourceSubscriptions'],
        cancellation.cancelled,
      ]),
      [
        [['a:1'], true],
        [['a:1', 'a:2'], false],
      ],
    )
    const heard: Outgoing[] = []
    void session.attach(
      { open: () => {}, send: (message) => void heard.push(message) },
      listens()[0]?.cancellation ?? assert.fail(),
    )
    assert.deepEqual(heard[0], {
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'a:1', _meta: {} },
    })
    session.end()
    assert.equal(listens()[1]?.cancellation.cancelled, true)
  })

  it('listens once for all sessions of one principal that wish to hear the same, until the last of them ends', async () => {
    const { gate, one } = setUp((turn) => {
      void turn.events.notify({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged' })
      return new Promise((resolve) => turn.cancellation.onCancel(() => resolve({})))
    })
    const sessions = [gate.session(), gate.session(), gate.session(BOB)]
    const heard = sessions.map((): Outgoing[] => [])
    for (const [at, session] of sessions.entries()) {
      gate.parts.listeners.of(gate.parts, session, one.upstream).start()
      const send = (message: Outgoing): void => void heard[at]?.push(message)
      void session.attach({ open: () => {}, send }, new Cancellation())
    }
    await settled()
    const feeds = one.turns.filter(({ request }) => request.id === 'feed')
    assert.equal(feeds.length, 2)
    await feeds[0]?.events.notify({ jsonrpc: '2.0', method: 'notifications/prompts/list_changed' })
    await settled()
    assert.deepEqual(
      heard.map((messages) => messages.length),
      [1, 1, 0],
    )
    sessions[0]?.end()
    assert.equal(feeds[0]?.cancellation.cancelled, false)
    sessions[1]?.end()
    assert.deepEqual([feeds[0]?.cancellation.cancelled, feeds[1]?.cancellation.cancelled], [true, false])
    sessions[2]?.end()
  })

  it('refuses levels and subscriptions that mean nothing', async () => {
    const { gate, one } = setUp(() => done('x'))
    const session = gate.session()
    await assert.rejects(
      gate.send({ session }, 'logging/setLevel', { level: 'loud' }).answer,
      isFault('message.invalid_params'),
    )
    assert.equal(session.logLevel, undefined)
    const mute = fakeUpstream('one', 'modern', () => ({}), { resources: {} })
    const quiet = bench([mute])
    open.push(quiet)
    await assert.rejects(
      quiet.send({ session: quiet.session() }, 'resources/subscribe', { uri: 'a:1' }).answer,
      isFault('message.unknown_method'),
    )
    assert.equal(errorIn(await gate.send({ session }, 'ping').answer).code, undefined)
    assert.equal(one.turns.length, 0)
  })
})
