import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { Fault } from '../../../src/core/fault.ts'
import type { Params } from '../../../src/mcp/message.ts'
import { META } from '../../../src/mcp/meta.ts'
import { isFault } from '../harness.ts'
import {
  ALICE,
  type Behaviour,
  type Bench,
  BOB,
  bench,
  type BenchOptions,
  fakeUpstream,
  resultIn,
  settled,
} from './bench.ts'

const ALL = { route: { kind: 'aggregate' } } as const
const PAGES: Readonly<Record<string, readonly string[]>> = { one: ['a', 'b'], two: ['c'] }

/** Lists two pages each for `one`, one page for `two`, and echoes everything else. */
const behaviour =
  (name: string, more: Behaviour = () => ({ echo: true })): Behaviour =>
  (turn) => {
    const { method, params } = turn.request
    const at = Number(params['cursor'] ?? 0)
    const item = PAGES[name]?.[at] as string
    const next = at + 1 < (PAGES[name]?.length ?? 0) ? { nextCursor: String(at + 1) } : {}
    if (method === 'tools/list') return { tools: [{ name: 'tool', inputSchema: { type: 'object' } }] }
    if (method === 'prompts/list') return { prompts: [{ name: item }], ...next }
    if (method === 'resources/list') return { resources: [{ uri: `file:///${item}`, name: item }], ...next }
    if (method === 'resources/templates/list')
      return { resourceTemplates: [{ uriTemplate: `file:///${item}/{x}` }], ...next }
    return more(turn)
  }

describe('the aggregate path', () => {
  const open: Bench[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  const setUp = (more?: Behaviour, options: BenchOptions = {}) => {
    const one = fakeUpstream('one', 'modern', behaviour('one', more))
    const two = fakeUpstream('two', 'legacy', behaviour('two', more))
    const bare = fakeUpstream('bare', 'legacy', behaviour('bare', more), { tools: {} })
    const gate = bench([one, bare, two], options)
    open.push(gate)
    return { one, two, bare, gate }
  }

  for (const [method, member, name, expected] of [
    ['prompts/list', 'prompts', 'name', ['one__a', 'one__b', 'two__c']],
    ['resources/list', 'resources', 'uri', ['one+file:///a', 'one+file:///b', 'two+file:///c']],
    [
      'resources/templates/list',
      'resourceTemplates',
      'uriTemplate',
      ['one+file:///a/{x}', 'one+file:///b/{x}', 'two+file:///c/{x}'],
    ],
  ] as const) {
    it(`walks through ${method} of all upstreams by cursor, and skips those that have none`, async () => {
      const { gate, bare } = setUp()
      const found: unknown[] = []
      let cursor: unknown
      for (let page = 0; page < 6; page++) {
        const result = resultIn(await gate.send(ALL, method, cursor === undefined ? {} : { cursor }).answer)
        found.push(...(result[member] as Params[]).map((item) => item[name]))
        assert.equal(result['cacheScope'], 'private')
        cursor = result['nextCursor']
        if (cursor === undefined) break
      }
      assert.deepEqual(found, expected)
      assert.equal(bare.turns.length, 0)
    })
  }

  it('refuses cursors that are not its own, or lead where the reader may not go', async () => {
    const { gate } = setUp(undefined, { hidden: ['two'] })
    const to = (upstream: string) => Buffer.from(JSON.stringify([upstream, null])).toString('base64url')
    for (const cursor of ['', 'x', '{}', 7, null, to('nowhere'), to('two'), Buffer.from('[]').toString('base64url')]) {
      await assert.rejects(
        gate.send(ALL, 'prompts/list', { cursor }).answer,
        isFault('message.invalid_params'),
        String(cursor),
      )
    }
  })

  it('undoes the prefix of what is called, read, got and completed', async () => {
    const { gate, one, two } = setUp()
    const sent: ReadonlyArray<readonly [string, Params, Params]> = [
      ['tools/call', { name: 'one__tool' }, { name: 'tool' }],
      ['prompts/get', { name: 'one__a__b' }, { name: 'a__b' }],
      ['resources/read', { uri: 'one+file:///a+b' }, { uri: 'file:///a+b' }],
      [
        'completion/complete',
        { ref: { type: 'ref/prompt', name: 'one__a' } },
        { ref: { type: 'ref/prompt', name: 'a' } },
      ],
      [
        'completion/complete',
        { ref: { type: 'ref/resource', uri: 'one+x:{y}' } },
        { ref: { type: 'ref/resource', uri: 'x:{y}' } },
      ],
    ]
    for (const [method, params, expected] of sent) {
      await gate.send(ALL, method, params).answer
      const { _meta, ...reached } = one.turns.at(-1)?.request.params ?? {}
      assert.deepEqual(reached, expected)
    }
    assert.equal(two.turns.length, 0)
    for (const name of ['tool', 'nowhere__tool', '__tool', 'one__', 'one_tool']) {
      await assert.rejects(gate.send(ALL, 'tools/call', { name }).answer, isFault('policy.unknown_target'), name)
    }
  })

  it('renames the resources in what comes back', async () => {
    const { gate } = setUp(() => ({
      content: [
        { type: 'resource_link', uri: 'a:1', name: 'x' },
        { type: 'resource', resource: { uri: 'a:2', text: '' } },
        { type: 'text', text: 'a:3' },
      ],
    }))
    const { content } = resultIn(await gate.send(ALL, 'tools/call', { name: 'two__tool' }).answer)
    assert.deepEqual(content, [
      { type: 'resource_link', uri: 'two+a:1', name: 'x' },
      { type: 'resource', resource: { uri: 'two+a:2', text: '' } },
      { type: 'text', text: 'a:3' },
    ])
  })

  it('still lists the tools of the others when one upstream is down', async () => {
    const one = fakeUpstream('one', 'modern', () => Promise.reject(new Fault('upstream.unavailable')))
    const two = fakeUpstream('two', 'legacy', behaviour('two'))
    const gate = bench([one, two])
    open.push(gate)
    const { tools } = resultIn(await gate.send(ALL, 'tools/list').answer) as { tools: Params[] }
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['two__tool'],
    )
    assert.equal(gate.warnings.length, 1)
  })

  it('sends a task home to its upstream, and to nobody else’s caller', async () => {
    const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const { gate, one } = setUp((turn) =>
      turn.request.method === 'tools/call' ? { resultType: 'task', taskId: 't' } : { ok: true },
    )
    await gate.send({ ...ALL, capabilities: tasks }, 'tools/call', { name: 'one__tool' }).answer
    const get = (principal = ALICE) =>
      gate.send({ ...ALL, principal, capabilities: tasks }, 'tasks/get', { taskId: 't' }).answer
    assert.equal(resultIn(await get())['ok'], true)
    const before = one.turns.length
    await assert.rejects(get(BOB), isFault('message.invalid_params'))
    assert.equal(one.turns.length, before)
  })

  it('listens at every upstream for its own things only, the names of the client in what it hears', async () => {
    const { gate, one, two } = setUp((turn) => {
      if (turn.request.method !== 'subscriptions/listen') return { resultType: 'task', taskId: 'of one' }
      return new Promise((resolve) => turn.cancellation.onCancel(() => resolve({})))
    })
    const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    await gate.send({ ...ALL, capabilities: tasks }, 'tools/call', { name: 'one__tool' }).answer
    const notifications = {
      resourceSubscriptions: ['one+a:1', 'two+a:2', 'nowhere+a:3', 'a:4'],
      taskIds: ['of one', 'of nobody'],
    }
    const sent = gate.send({ ...ALL, id: 'l' }, 'subscriptions/listen', { notifications })
    await settled()
    const { notifications: told } = (sent.messages[0] ?? assert.fail('nothing was said'))['params'] as Params
    assert.deepEqual(told, { resourceSubscriptions: ['one+a:1', 'two+a:2'], taskIds: ['of one'] })
    const listening = one.turns.find(({ request }) => request.method === 'subscriptions/listen' && request.id === 'l')
    assert.deepEqual(listening?.request.params['notifications'], {
      resourceSubscriptions: ['a:1'],
      taskIds: ['of one'],
    })
    assert.deepEqual(two.turns.at(-1)?.request.params['uri'], 'a:2')
    const updated = (uri: string) =>
      ({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } }) as const
    await listening?.events.notify(updated('a:1'))
    await listening?.events.notify(updated('a:2'))
    void two.turns.at(-1)?.wish.unsolicited.notify(updated('a:2'))
    const heard = sent.messages.slice(1).map(({ params }) => params)
    const marked = (uri: string) => ({ uri, _meta: { [META.subscriptionId]: 'l' } })
    assert.deepEqual(heard, [marked('one+a:1'), marked('two+a:2')])
    sent.cancellation.cancel('revoked')
    assert.equal(resultIn(await sent.answer)['resultType'], 'complete')
    assert.equal(listening?.cancellation.cancelled, true)
  })

  it('tells the level and the roots only to the upstreams that a session has reached', async () => {
    const { gate, two, bare } = setUp()
    const session = gate.session(ALICE, { roots: {} }, ALL.route)
    await gate.send({ session }, 'logging/setLevel', { level: 'info' }).answer
    assert.deepEqual([two.links.length, bare.links.length], [0, 0], 'a notice opened links')
    await gate.send({ session }, 'tools/call', { name: 'two__tool' }).answer
    const levels = two.turns.filter(({ request }) => request.method === 'logging/setLevel')
    assert.deepEqual(
      levels.map(({ request }) => request.params),
      [{ level: 'info' }],
    )
    await gate.send({ session }, 'notifications/roots/list_changed').answer
    assert.deepEqual([two.told.length, bare.told.length], [1, 0])
  })
})
