import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { Cancellation } from '../../../src/core/cancellation.ts'
import { Fault } from '../../../src/core/fault.ts'
import type { Params, Response } from '../../../src/mcp/message.ts'
import { META } from '../../../src/mcp/meta.ts'
import { isFault } from '../harness.ts'
import {
  ALICE,
  type Behaviour,
  type Bench,
  BOB,
  bench,
  type BenchOptions,
  CAPABILITIES,
  clock,
  errorIn,
  failed,
  type FakeUpstream,
  fakeUpstream,
  resultIn,
  settled,
  type Turn,
} from './bench.ts'

const FORM = {
  mode: 'form',
  message: 'Who?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
}
const ABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const text = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
const ask = ({ events }: Turn, method: string, params: Params = {}): Promise<Response> =>
  events.ask({ jsonrpc: '2.0', id: 9, method, params })
const call = { name: 'tool', arguments: { a: 1 } }

/** Answers the list of tools, and everything else as the test says. */
const upstreamThat = (behaviour: Behaviour, capabilities: Params = CAPABILITIES): FakeUpstream =>
  fakeUpstream(
    'one',
    'legacy',
    (turn) => {
      if (turn.request.method === 'tools/list') return { tools: [{ name: 'tool', inputSchema: {} }] }
      return turn.request.method === 'logging/setLevel' ? {} : behaviour(turn)
    },
    capabilities,
  )

describe('a modern client on a legacy upstream', () => {
  const open: Bench[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  const setUp = (behaviour: Behaviour, options: BenchOptions = {}) => {
    const one = upstreamThat(behaviour)
    const gate = bench([one], options)
    open.push(gate)
    return { one, gate }
  }
  const first = async (gate: Bench, capabilities: Params = ABLE) =>
    resultIn(await gate.send({ capabilities }, 'tools/call', call).answer)
  const retry = (gate: Bench, state: unknown, inputResponses: Params, principal = ALICE) =>
    gate.send({ capabilities: ABLE, principal }, 'tools/call', { ...call, requestState: state, inputResponses }).answer

  for (const [method, params, value] of [
    ['elicitation/create', FORM, { action: 'accept', content: { name: 'Ada' } }],
    [
      'sampling/createMessage',
      { messages: [], maxTokens: 1 },
      { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' } },
    ],
    ['roots/list', {}, { roots: [{ uri: 'file:///' }] }],
  ] as const) {
    it(`turns ${method} into input_required, and the answer back into a response`, async () => {
      const { gate } = setUp(async (turn) => text(await ask(turn, method, params)))
      const asked = await first(gate)
      assert.deepEqual(
        [asked['resultType'], asked['inputRequests']],
        ['input_required', { 'ask-1': { method, params } }],
      )
      const done = resultIn(await retry(gate, asked['requestState'], { 'ask-1': value }))
      assert.deepEqual(done['content'], text({ jsonrpc: '2.0', id: 9, result: value }).content)
      assert.equal(done['resultType'], 'complete')
      assert.equal(gate.parts.parking.size, 0)
    })
  }

  it('goes through two rounds, and asks together what came together', async () => {
    const { gate, one } = setUp(async (turn) => {
      const both = await Promise.all([ask(turn, 'roots/list'), ask(turn, 'elicitation/create', FORM)])
      const last = await ask(turn, 'roots/list')
      return text([...both, last].map((response) => 'result' in response))
    })
    const initial = await first(gate)
    assert.deepEqual(Object.keys(initial['inputRequests'] as Params), ['ask-1', 'ask-2'])
    const two = resultIn(
      await retry(gate, initial['requestState'], { 'ask-1': { roots: [] }, 'ask-2': { action: 'decline' } }),
    )
    assert.deepEqual(Object.keys(two['inputRequests'] as Params), ['ask-3'])
    const done = resultIn(await retry(gate, two['requestState'], { 'ask-3': { roots: [] } }))
    assert.deepEqual(done['content'], text([true, true, true]).content)
    assert.equal(one.turns.filter(({ request }) => request.method === 'tools/call').length, 1, 'the call ran once')
  })

  it('asks again for what was not answered', async () => {
    const { gate } = setUp(async (turn) => text(await ask(turn, 'roots/list')))
    const asked = await first(gate)
    const again = resultIn(await retry(gate, asked['requestState'], { other: { roots: [] }, 'ask-1': 'no object' }))
    assert.deepEqual(again['inputRequests'], asked['inputRequests'])
    assert.notEqual(again['requestState'], asked['requestState'])
  })

  it('gives a parked call to nobody else, and once only', async () => {
    const { gate } = setUp(async (turn) => text(await ask(turn, 'roots/list')))
    const { requestState } = await first(gate)
    await assert.rejects(retry(gate, requestState, { 'ask-1': { roots: [] } }, BOB), isFault('state.invalid'))
    assert.equal(gate.parts.parking.size, 1)
    await retry(gate, requestState, { 'ask-1': { roots: [] } })
    await assert.rejects(retry(gate, requestState, { 'ask-1': { roots: [] } }), isFault('state.expired'))
  })

  it('ends the upstream call when its client leaves, or does not come back', async () => {
    const { gate, one } = setUp(
      (turn) =>
        new Promise((_resolve, reject) => turn.cancellation.onCancel(() => reject(new Fault('upstream.ended')))),
    )
    const sent = gate.send({ capabilities: ABLE }, 'tools/call', call)
    await settled()
    sent.cancellation.cancel('client-left')
    await assert.rejects(sent.answer, isFault('upstream.ended'))
    assert.equal(one.turns.at(-1)?.cancellation.reason, 'client-left')
    const parked = setUp(async (turn) => text(await ask(turn, 'roots/list')), { parkMs: 5 })
    const { requestState } = await first(parked.gate)
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.equal(parked.one.turns.at(-1)?.cancellation.reason, 'deadline')
    await assert.rejects(retry(parked.gate, requestState, {}), isFault('state.expired'))
  })

  it('lets a state expire before it looks for the call', async () => {
    const { gate } = setUp(async (turn) => text(await ask(turn, 'roots/list')))
    const { requestState } = await first(gate)
    clock.pass(60_001)
    await assert.rejects(retry(gate, requestState, {}), isFault('state.expired'))
  })

  it('parks only so many calls, and cancels the one that finds no place', async () => {
    const { gate, one } = setUp(async (turn) => text(await ask(turn, 'roots/list')), { parkMax: 1 })
    await first(gate)
    await assert.rejects(first(gate), isFault('limits.concurrency'))
    assert.equal(one.turns.at(-1)?.cancellation.cancelled, true)
    assert.equal(gate.parts.parking.size, 1)
  })

  it('asks nothing of a client that declared nothing, and gives such a call no capabilities', async () => {
    const { gate, one } = setUp(async (turn) => text(turn.wish.client.capabilities))
    assert.deepEqual((await first(gate, {}))['content'], text({}).content)
    assert.deepEqual((await first(gate, { roots: {}, extensions: { x: {} } }))['content'], text({ roots: {} }).content)
    const shady = setUp(async (turn) => text(await ask(turn, 'sampling/createMessage')))
    await assert.rejects(first(shady.gate, { roots: {} }), isFault('upstream.malformed'))
    assert.equal(shady.one.turns.at(-1)?.cancellation.cancelled, true)
    assert.ok(one.links.length >= 2)
  })

  it('does not ask what the upstream has taken back', async () => {
    const { gate } = setUp(async (turn) => {
      const withdrawn = new Cancellation()
      const asked = turn.events.ask({ jsonrpc: '2.0', id: 9, method: 'roots/list' }, withdrawn)
      withdrawn.cancel('client-cancelled')
      return text('error' in (await asked))
    })
    assert.deepEqual((await first(gate))['content'], text(true).content)
  })

  it('turns the demand for a link into input_required, and starts the call anew afterwards', async () => {
    let runs = 0
    const { gate } = setUp(() => {
      const elicitations = [{ mode: 'url', elicitationId: 'e', message: 'Sign in', url: 'https://a.example/' }]
      return ++runs === 1 ? failed(-32042, 'demanded', { elicitations }) : text('done')
    })
    const asked = await first(gate)
    const params = { mode: 'url', message: 'Sign in', url: 'https://a.example/' }
    assert.deepEqual(asked['inputRequests'], { 'url-1': { method: 'elicitation/create', params } })
    assert.equal(asked['requestState'], undefined)
    const inputResponses = { 'url-1': { action: 'accept' } }
    const done = await gate.send({ capabilities: ABLE }, 'tools/call', { ...call, inputResponses }).answer
    assert.deepEqual(resultIn(done)['content'], text('done').content)
  })

  it('says which capability is missing when a link is demanded of a client that opens none', async () => {
    const { gate } = setUp(() => failed(-32042, 'demanded', { elicitations: [{ url: 'https://a.example/' }] }))
    await assert.rejects(first(gate, { elicitation: { form: {} } }), isFault('message.missing_capability'))
    const empty = setUp(() => failed(-32042))
    assert.equal(errorIn(await empty.gate.send({ capabilities: ABLE }, 'tools/call', call).answer).code, -32603)
  })

  it('passes log messages only to a call that asks for them, even on a link that was used before', async () => {
    const { gate, one } = setUp((turn) => {
      void turn.events.notify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } })
      void turn.events.notify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
      void turn.events.notify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'p' } })
      return text('done')
    })
    const heard = async (meta: Params) => {
      const sent = gate.send({ capabilities: ABLE, meta }, 'tools/call', call)
      await sent.answer
      return sent.messages.map(({ method }) => method)
    }
    assert.deepEqual(await heard({ [META.logLevel]: 'info' }), ['notifications/message', 'notifications/progress'])
    assert.deepEqual(await heard({}), ['notifications/progress'])
    assert.deepEqual(one.turns.filter(({ request }) => request.method === 'logging/setLevel').length, 1)
  })

  it('keeps the codes of the past and the envelope of today on their sides', async () => {
    const { gate, one } = setUp(() => failed(-32002))
    const answer = await gate.send({ capabilities: {}, meta: { progressToken: 'p' } }, 'resources/read', { uri: 'a:b' })
      .answer
    assert.equal(errorIn(answer).code, -32602)
    assert.deepEqual(one.turns.at(-1)?.request.params, { uri: 'a:b', _meta: { progressToken: 'p' } })
  })

  it('says not found with its status when the upstream has no such list', async () => {
    const { gate } = setUp(() => failed(-32601))
    const answer = await gate.send({}, 'prompts/list').answer
    assert.deepEqual([answer.status, errorIn(answer).code], [404, -32601])
  })
})
