/** TR-1 and TR-2: limits of upstreams, tools and clients, prices, tenants in turn, breakers, fewer calls for a slow server, shedding. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { ask, callTool, openSession, type Reply, send, stream } from '../fixtures/client.ts'
import { type CountedTool, type CountingUpstream, ECHO, respond, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { startIssuing } from '../fixtures/issuing-gateway.ts'

const PLENTY = { permits: 1_000_000, perSeconds: 1, burst: 1_000_000 }
const rule = (burst: number) => ({ permits: 1, perSeconds: 3_600, burst })

interface Site {
  readonly upstream: CountingUpstream
  readonly gateway: TestGateway
}

async function site(
  t: TestContext,
  config: object,
  tools: readonly CountedTool[] = [ECHO, { name: 'dear' }],
): Promise<Site> {
  const upstream = await startCounting(tools)
  t.after(() => upstream.close())
  const upstreams = ['one', 'two'].map((name) => ({ name, url: upstream.url }))
  const gateway = await startTestGateway({ upstreams, config: { ...config } })
  t.after(() => gateway.close())
  return { upstream, gateway }
}

const statuses = (replies: readonly Reply[]) => {
  const found: Record<number, number> = {}
  for (const { status } of replies) found[status] = (found[status] ?? 0) + 1
  return found
}

const codeOf = ({ status, json }: Reply) => [status, json?.error?.data?.code]
const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('limits beside those of callers', () => {
  it('of an upstream and of a tool are exact for 64 callers at once, whoever they are', async (t) => {
    const rate = {
      perAddress: PLENTY,
      perPrincipal: PLENTY,
      upstreams: { one: rule(20) },
      tools: { two__echo: { rate: rule(7) } },
    }
    const { gateway, upstream } = await site(t, { traffic: { rate } })
    const tokens = await Promise.all(['admin', 'admin'].map((role) => gateway.issue([role])))
    await callTool(gateway, 'dear', {}, { url: gateway.endpoint('two') })
    const many = (url: string) =>
      Promise.all(
        Array.from({ length: 64 }, (_, at) => callTool(gateway, 'echo', {}, { url, token: tokens[at % 2] as string })),
      )
    assert.deepEqual(statuses(await many(gateway.endpoint('one'))), { 200: 20, 429: 44 })
    assert.deepEqual(statuses(await many(gateway.endpoint('two'))), { 200: 7, 429: 57 })
    assert.equal(upstream.count(), 28)
    assert.equal((await callTool(gateway, 'dear', {}, { url: gateway.endpoint('two') })).status, 200)
    const refused = await callTool(gateway, 'echo', {})
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/)
  })

  it('count what a tool costs against its caller, and a price that nobody can pay is a mistake', async (t) => {
    const rate = { perAddress: PLENTY, perPrincipal: rule(10), tools: { one__dear: { cost: 4 } } }
    const { gateway, upstream } = await site(t, { traffic: { rate } })
    const replies: number[] = []
    for (const tool of ['dear', 'dear', 'dear', 'echo', 'echo'])
      replies.push((await callTool(gateway, tool, {})).status)
    // The third one finds one permit for its request, and not the three others of its price.
    assert.deepEqual(replies, [200, 200, 429, 200, 429])
    assert.equal(upstream.count(), 3)
    const unpayable = { ...rate, tools: { one__dear: { cost: 11 } } }
    await assert.rejects(site(t, { traffic: { rate: unpayable } }), /cost more than the burst/)
    await assert.rejects(site(t, { traffic: { rate: { upstreams: { three: rule(1) } } } }), /no upstream three/)
  })

  it('of a client count all its users together', async (t) => {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const rate = { perAddress: PLENTY, perPrincipal: PLENTY, perClient: rule(3) }
    const issuing = await startIssuing({
      upstreams: { one: { http: { url: upstream.url, plaintext: 'loopback-only' } } },
      config: { traffic: { rate } },
    })
    t.after(() => issuing.close())
    const token = (sub: string, client: string) => issuing.token({ sub, client_id: client, jti: `${sub}-${client}` })
    const replies: number[] = []
    for (const [sub, client] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'x'],
      ['d', 'x'],
      ['a', 'y'],
    ] as const)
      replies.push((await issuing.echo(await token(sub, client))).status)
    assert.deepEqual(replies, [200, 200, 200, 429, 200])
  })
})

describe('breakers', () => {
  it('leave a server alone that fails, say until when, let administrators see it, and try again', async (t) => {
    const { gateway, upstream } = await site(t, { limits: { breakers: { failures: 5, openSeconds: 1 } } })
    const url = gateway.endpoint('two')
    assert.equal((await callTool(gateway, 'echo', {}, { url })).status, 200)
    assert.equal((await callTool(gateway, 'echo', {})).status, 200)
    let isDown = true
    upstream.misbehave(({ message, headers }, response) => {
      const fails = isDown && message?.method === 'tools/call' && headers['mcp-name'] !== undefined
      if (fails) response.writeHead(500).end()
      return fails
    })
    let last = await callTool(gateway, 'echo', {})
    for (let call = 0; call < 20 && codeOf(last)[1] !== 'upstream.resting'; call++)
      last = await callTool(gateway, 'echo', {})
    assert.deepEqual(codeOf(last), [503, 'upstream.resting'])
    assert.match(
      last.json.error.message,
      /^The upstream one has failed too often and is left alone; try again in \d+ s\.$/,
    )
    assert.match(String(last.headers['retry-after']), /^[1-9]\d*$/)
    const calls = upstream.count()
    assert.equal((await callTool(gateway, 'echo', {})).status, 503)
    assert.equal(upstream.count(), calls, 'nothing reaches it')
    const limits = await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/limits` })
    assert.deepEqual(limits.json.resting, [{ upstream: 'one', state: 'open' }])
    assert.ok(gateway.logged.some((line) => line.includes('breaker') && line.includes('"open"')))
    isDown = false
    assert.equal((await callTool(gateway, 'echo', {}, { url })).status, 200, 'another upstream goes on')
    await until(async () => (await callTool(gateway, 'echo', {})).status === 200)
  })

  it('do not mind what a server refuses, and can be switched off', async (t) => {
    for (const failures of [2, 0]) {
      const { gateway, upstream } = await site(t, { limits: { breakers: { failures } } })
      assert.equal((await callTool(gateway, 'echo', {})).status, 200)
      upstream.misbehave(({ message }, response) => {
        if (message?.method !== 'tools/call') return false
        if (failures === 0) response.writeHead(500).end()
        else respond(response, { jsonrpc: '2.0', id: message.id, error: { code: -32000, message: 'no' } })
        return true
      })
      for (let call = 0; call < 8; call++)
        assert.notEqual(codeOf(await callTool(gateway, 'echo', {}))[1], 'upstream.resting')
      assert.equal(upstream.count(), 9)
    }
  })
})

/** Holds calls until they are let go. */
function holding(upstream: CountingUpstream) {
  const held: { readonly text: string; readonly response: ServerResponse; readonly id: unknown }[] = []
  const order: string[] = []
  upstream.misbehave(({ message }, response) => {
    if (message?.method !== 'tools/call') return false
    const text = String(message.params.arguments?.text)
    order.push(text)
    held.push({ text, response, id: message.id })
    return true
  })
  const release = () => {
    for (const { response, id } of held.splice(0, 1))
      respond(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', content: [] } })
  }
  return { held, order, release }
}

describe('queues', () => {
  it('serve tenants in turn, however many principals of one wait', async (t) => {
    const concurrency = { total: 2, perPrincipal: 1, queue: 100, waitMs: 60_000 }
    const { gateway, upstream } = await site(t, { limits: { concurrency } })
    await callTool(gateway, 'echo', {})
    const { held, order, release } = holding(upstream)
    const call = async (tenant: string, text: string) =>
      callTool(gateway, 'echo', { text }, { token: await gateway.issue(['admin'], { tenant }) })
    const first = [call('x', 'first'), call('y', 'first')]
    await until(() => held.length === 2)
    const waiting = Array.from({ length: 6 }, (_, at) => call('many', `many ${at}`))
    await new Promise((resolve) => setTimeout(resolve, 500))
    waiting.push(call('few', 'few'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const timer = setInterval(release, 20)
    t.after(() => clearInterval(timer))
    assert.deepEqual(statuses(await Promise.all([...first, ...waiting])), { 200: 9 })
    assert.ok(order.indexOf('few') <= 4, order.join(', '))
  })

  it('let fewer calls reach a server that has become slow, and count in what administrators see', async (t) => {
    const { gateway, upstream } = await site(t, { limits: { adaptive: { min: 1, max: 8, tolerance: 1 } } })
    let delayMs = 0
    upstream.misbehave(({ message }, response) => {
      if (message?.method !== 'tools/call') return false
      const answer = () =>
        respond(response, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', content: [] } })
      setTimeout(answer, delayMs)
      return true
    })
    const limitNow = async () => {
      const { json } = await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/limits` })
      return (json.adaptive as { upstream: string; limit: number }[]).find((one) => one.upstream === 'one')
        ?.limit as number
    }
    for (let round = 0; round < 5; round++)
      await Promise.all(Array.from({ length: 8 }, () => callTool(gateway, 'echo', {})))
    const quick = await limitNow()
    delayMs = 400
    for (let round = 0; round < 3; round++)
      await Promise.all(Array.from({ length: 12 }, () => callTool(gateway, 'echo', {})))
    const slow = await limitNow()
    assert.ok(slow < quick, `${quick} became ${slow}`)
  })
})

describe('a gateway that has too much to do', () => {
  it('refuses streams first, then calls, and serves administrators and hellos to the last', async (t) => {
    const { gateway, upstream } = await site(t, { limits: { overload: { lagMs: 100 } } })
    assert.equal((await callTool(gateway, 'echo', {})).status, 200)
    const session = await openSession(gateway)
    // Keeps the one thread busy for most of the time.
    const busy = setInterval(() => {
      const end = performance.now() + 450
      while (performance.now() < end);
    }, 1)
    t.after(() => clearInterval(busy))
    const before = upstream.count()
    await until(async () => (await callTool(gateway, 'echo', {}, { headers: { 'x-try': '1' } })).status === 503)
    const shed = await callTool(gateway, 'echo', {})
    assert.deepEqual(codeOf(shed), [503, 'traffic.shed'])
    assert.equal(shed.headers['retry-after'], '2')
    const calls = upstream.count()
    const open = await stream(gateway, undefined, {
      method: 'GET',
      headers: { ...session, accept: 'text/event-stream' },
    })
    assert.equal(open.status, 503)
    assert.equal((await ask(gateway, 'server/discover')).status, 200)
    assert.match((await openSession(gateway))['mcp-session-id'] ?? '', /\S{8}/)
    const limits = await send(gateway, undefined, { method: 'GET', url: `${gateway.origin}/admin/v1/limits` })
    assert.equal(limits.status, 200)
    assert.equal(upstream.count(), calls)
    assert.ok(calls >= before)
    clearInterval(busy)
    await until(async () => (await callTool(gateway, 'echo', {})).status === 200)
  })
})
