import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import type { Era, Params, Response } from '../../src/mcp/message.ts'
import type { Connector, LinkWish } from '../../src/upstream/connector.ts'
import type { LinkRequest, ManagedLink } from '../../src/upstream/link.ts'
import { Upstream, type UpstreamOptions } from '../../src/upstream/upstream.ts'
import { CLIENT, GATEWAY, isFault, recorder } from './harness.ts'

const upstreams: Upstream[] = []
after(() => Promise.all(upstreams.map((upstream) => upstream.close())))

/** A connector whose links answer `tools/list` and keep what they were opened for. */
function setUp(era: Era, options: Partial<UpstreamOptions> & { stateless?: boolean; capabilities?: Params } = {}) {
  const wishes: LinkWish[] = []
  const requests: LinkRequest[] = []
  const state = { era, fails: undefined as Fault | undefined, now: 1_000_000 }
  const connector: Connector = {
    stateless: options.stateless ?? false,
    async open(wish) {
      wishes.push(wish)
      if (state.fails !== undefined) throw state.fails
      const link = {
        era: state.era,
        server: {
          protocolVersion: 'v',
          capabilities: options.capabilities ?? { tools: {} },
          serverInfo: { name: 's' },
          instructions: `for ${wish.scope}`,
        },
        closed: false,
        inFlight: 0,
        async request(request: LinkRequest): Promise<Response> {
          requests.push(request)
          return { jsonrpc: '2.0', id: request.id, result: { tools: [{ name: 'a', inputSchema: {} }] } }
        },
        notify: async () => {},
        async close() {
          link.closed = true
        },
      }
      return link satisfies ManagedLink
    },
    close: async () => {},
  }
  const upstream = new Upstream({
    name: 'up',
    connector,
    era: 'auto',
    gateway: GATEWAY,
    gatewayScope: 'gateway',
    owner: 'many',
    clock: { now: () => state.now },
    maxLinks: 10,
    idleSeconds: 60,
    ownTimeoutMs: 1_000,
    catalogue: {
      ttlSeconds: 60,
      maxStaleSeconds: 600,
      minRefreshSeconds: 0,
      maxPages: 5,
      maxTools: 10,
      maxBytes: 10_000,
    },
    ...options,
  })
  upstreams.push(upstream)
  return { upstream, wishes, requests, state }
}

describe('Upstream', () => {
  it('opens nothing before somebody asks, and then remembers the era', async () => {
    const { upstream, wishes } = setUp('legacy')
    assert.deepEqual([upstream.era, upstream.server, wishes.length], [undefined, undefined, 0])
    assert.equal((await upstream.connect()).era, 'legacy')
    assert.equal((await upstream.facts()).serverInfo['name'], 's')
    await upstream.shared('a')
    assert.deepEqual(
      wishes.map((wish) => [wish.era, wish.scope]),
      [
        ['auto', 'gateway'],
        ['legacy', 'a'],
      ],
    )
  })

  it('remembers nothing of an upstream that could not be reached, and probes a replaced one again', async () => {
    const { upstream, wishes, state } = setUp('modern')
    state.fails = new Fault('upstream.unavailable')
    await assert.rejects(upstream.connect(), isFault('upstream.unavailable'))
    assert.equal(upstream.era, undefined)
    state.fails = undefined
    state.now += 60_000
    await upstream.connect()
    state.fails = new Fault('upstream.unsupported')
    await assert.rejects(async () => upstream.shared('a'), isFault('upstream.unsupported'))
    state.fails = undefined
    state.era = 'legacy'
    state.now += 60_000
    await upstream.shared('a')
    assert.equal(upstream.era, 'legacy')
    assert.deepEqual(
      wishes.map((wish) => wish.era),
      ['auto', 'auto', 'modern', 'auto'],
    )
  })

  it('holds up nobody else when the process of one scope does not start, and everybody when that of the gateway does not', async () => {
    const { upstream, state } = setUp('modern')
    await upstream.connect()
    state.fails = new Fault('sandbox.start_failed')
    await assert.rejects(async () => upstream.shared('alice'), isFault('sandbox.start_failed'))
    state.fails = undefined
    await assert.rejects(async () => upstream.shared('alice'), isFault('upstream.unavailable'))
    await upstream.shared('bob')
    const { upstream: broken, state: other } = setUp('modern')
    other.fails = new Fault('sandbox.start_failed')
    await assert.rejects(broken.connect(), isFault('sandbox.start_failed'))
    other.fails = undefined
    await assert.rejects(async () => broken.shared('bob'), isFault('upstream.unavailable'))
  })

  it('tells nobody what the process of another scope says of itself', async () => {
    const { upstream } = setUp('modern')
    await upstream.shared('alice')
    assert.equal((await upstream.facts()).instructions, 'for gateway')
    await upstream.shared('mallory')
    assert.equal((await upstream.facts()).instructions, 'for gateway')
  })

  it('declares no capabilities on shared links and those of the caller on its own', async () => {
    const { upstream, wishes } = setUp('legacy')
    const client = { ...CLIENT, capabilities: { elicitation: {} } }
    await upstream.shared('a')
    await upstream.exclusive('a', client)
    const session = recorder()
    await upstream.open(client, session)
    assert.deepEqual(
      wishes.map((wish) => wish.client.capabilities),
      [{}, { elicitation: {} }, { elicitation: {} }],
    )
    assert.deepEqual(
      wishes.map((wish) => wish.owner),
      ['many', 'one', 'one'],
    )
    assert.equal(wishes[2]?.unsolicited, session)
  })

  it('uses one link for all scopes of a stateless modern upstream', async () => {
    const { upstream } = setUp('modern', { stateless: true })
    await upstream.connect()
    assert.equal(await upstream.shared('a'), await upstream.shared('b'))
  })

  it('never shares a link between scopes otherwise', async () => {
    for (const [era, stateless] of [
      ['modern', false],
      ['legacy', true],
    ] as const) {
      const { upstream } = setUp(era, { stateless })
      await upstream.connect()
      assert.notEqual(await upstream.shared('a'), await upstream.shared('b'))
      const client = { ...CLIENT, capabilities: { roots: {} } }
      const first = await upstream.exclusive('a', client)
      first.release()
      assert.notEqual((await upstream.exclusive('b', client)).link, first.link)
      assert.notEqual((await upstream.exclusive('a', { ...client, capabilities: {} })).link, first.link)
    }
  })

  it('announces what no request asked for, answers no question there, and fetches a changed list', async () => {
    const { upstream, wishes, requests } = setUp('legacy')
    const heard: unknown[] = []
    upstream.onUnsolicited((message, scope) => heard.push([message.method, scope]))
    await upstream.catalogue.ready()
    assert.equal(requests.length, 1)
    await upstream.shared('a')
    const { unsolicited } = wishes[1] as LinkWish
    void unsolicited.notify({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    assert.deepEqual(heard, [['notifications/tools/list_changed', 'a']])
    await upstream.catalogue.refresh()
    assert.equal(requests.length, 2)
    const answer = await unsolicited.ask({ jsonrpc: '2.0', id: 1, method: 'sampling/createMessage' })
    assert.ok('error' in answer)
  })

  it('sends its own envelope to a modern upstream only', async () => {
    for (const era of ['modern', 'legacy'] as const) {
      const { upstream, requests } = setUp(era)
      await upstream.catalogue.ready()
      assert.equal('_meta' in (requests[0]?.params ?? {}), era === 'modern')
    }
  })

  it('asks an upstream without tools for none', async () => {
    const { upstream, requests } = setUp('legacy', { capabilities: {} })
    await upstream.catalogue.ready()
    assert.deepEqual([upstream.catalogue.list(), requests.length], [[], 0])
  })
})
