/** TR-1, TR-2: exact rates by address and principal, a bounded number of calls at once; probes are shed, never misled. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, callTool, modern, type Reply, send } from '../fixtures/client.ts'
import { type CountedTool, type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const PLENTY = { permits: 1_000_000, perSeconds: 1, burst: 1_000_000 }
/** Refills so slowly that nothing is added during a test. */
const rule = (burst: number) => ({ permits: 1, perSeconds: 3_600, burst })

interface Site {
  readonly upstream: CountingUpstream
  readonly gateway: TestGateway
}

async function site(t: TestContext, config: Record<string, unknown>, tools?: readonly CountedTool[]): Promise<Site> {
  const upstream = await startCounting(tools)
  t.after(() => upstream.close())
  const gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config })
  t.after(() => gateway.close())
  return { upstream, gateway }
}

const counts = (replies: readonly Reply[]): Readonly<Record<number, number>> => {
  const found: Record<number, number> = {}
  for (const { status } of replies) found[status] = (found[status] ?? 0) + 1
  return found
}

test('of many calls at once exactly as many pass as a principal may make', async (t) => {
  const { upstream, gateway } = await site(t, { traffic: { rate: { perAddress: PLENTY, perPrincipal: rule(10) } } })
  const calls = (token: string) =>
    Promise.all(Array.from({ length: 30 }, () => callTool(gateway, 'echo', {}, { token })))
  const first = await calls(gateway.token)
  assert.deepEqual(counts(first), { 200: 10, 429: 20 })
  assert.equal(upstream.count(), 10)
  for (const { status, headers, json } of first) {
    if (status !== 429) continue
    assert.match(String(headers['retry-after']), /^[1-9]\d*$/)
    assert.equal(json.error.data.code, 'traffic.rate_limited')
  }
  assert.deepEqual(
    counts(await calls(await gateway.issue(['admin']))),
    { 200: 10, 429: 20 },
    'another principal has its own',
  )
  const tenant = await gateway.issue(['admin'], { tenant: 'other' })
  assert.deepEqual(counts(await calls(tenant)), { 200: 10, 429: 20 }, 'and so has one of another tenant')
  const refusals = recordsOf(gateway).filter((record) => record.kind === 'refusal')
  assert.equal(refusals.length, 60)
})

test('a rotated key does not renew what its principal may do', async (t) => {
  const { gateway } = await site(t, { traffic: { rate: { perAddress: PLENTY, perPrincipal: rule(3) } } })
  const token = await gateway.issue(['admin'])
  for (let call = 0; call < 3; call++) assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
  const successor = await gateway.rotate(token, 60)
  assert.equal((await callTool(gateway, 'echo', {}, { token: successor })).status, 429)
})

test('an address is limited before sign-in, so that guessing is slow too', async (t) => {
  const { upstream, gateway } = await site(t, { traffic: { rate: { perAddress: rule(10), perPrincipal: PLENTY } } })
  const guesses = await Promise.all(
    Array.from({ length: 15 }, (_, at) => callTool(gateway, 'echo', {}, { token: `guess-${at}` })),
  )
  assert.deepEqual(counts(guesses), { 401: 10, 429: 5 })
  assert.equal((await callTool(gateway, 'echo', {})).status, 429)
  const forged = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7' }
  assert.equal((await callTool(gateway, 'echo', {}, { headers: forged })).status, 429, 'a header is no address')
  assert.equal(upstream.count(), 0)
})

test('a limited probe is answered 503, so that no client takes the gateway for an old server', async (t) => {
  for (const rate of [
    { perAddress: PLENTY, perPrincipal: rule(1) },
    { perAddress: rule(1), perPrincipal: PLENTY },
  ]) {
    const { gateway } = await site(t, { traffic: { rate } })
    assert.equal((await ask(gateway, 'server/discover')).status, 200)
    const shed = await ask(gateway, 'server/discover')
    assert.deepEqual([shed.status, shed.json.error.data.code], [503, 'traffic.shed'])
    assert.match(String(shed.headers['retry-after']), /^[1-9]\d*$/)
    assert.equal((await ask(gateway, 'tools/list')).status, 429)
    const { body } = modern('server/discover')
    const huge = await send(gateway, { ...body, padding: 'x' }, { headers: { 'mcp-method': 'server/discover' } })
    assert.equal(huge.status, 503)
  }
})

test('permits come back with time', async (t) => {
  const rate = { perAddress: PLENTY, perPrincipal: { permits: 1, perSeconds: 1, burst: 1 } }
  const { gateway } = await site(t, { traffic: { rate } })
  assert.equal((await callTool(gateway, 'echo', {})).status, 200)
  let last = await callTool(gateway, 'echo', {})
  assert.equal(last.status, 429)
  while (last.status === 429) last = await callTool(gateway, 'echo', {})
  assert.equal(last.status, 200)
})

test('blocked and unlisted addresses get nothing, not even a challenge', async (t) => {
  for (const traffic of [
    { blocked: ['127.0.0.0/8'] },
    { allowed: ['192.0.2.0/24'] },
    { blocked: ['127.0.0.1'], allowed: ['127.0.0.1'] },
  ]) {
    const { upstream, gateway } = await site(t, { traffic })
    const earlier = upstream.seen.length
    const reply = await callTool(gateway, 'echo', {})
    assert.deepEqual([reply.status, reply.json.error.data.code], [403, 'traffic.address_blocked'])
    assert.equal(reply.headers['www-authenticate'], undefined)
    assert.equal(upstream.seen.length, earlier)
  }
})

/** A tool whose calls wait until all are let go; it counts how many ran at once. */
function gatedTool() {
  const waiting: (() => void)[] = []
  let running = 0
  let most = 0
  const run = async (): Promise<object> => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => waiting.push(resolve))
    running--
    return { content: [] }
  }
  return {
    tool: { name: 'wait', run } satisfies CountedTool,
    most: () => most,
    waiting: () => waiting.length,
    release: () => {
      for (const go of waiting.splice(0)) go()
    },
  }
}

test('no more calls run at once than a principal may; the rest wait, and too many are refused', async (t) => {
  const gated = gatedTool()
  const concurrency = { total: 100, perPrincipal: 3, queue: 12, waitMs: 20_000 }
  const { upstream, gateway } = await site(t, { limits: { concurrency } }, [gated.tool])
  const token = await gateway.issue(['admin'])
  const replies = Array.from({ length: 12 }, () => callTool(gateway, 'wait', {}, { token }))
  const refused: Reply[] = []
  for (const reply of replies) void reply.then((done) => done.status !== 200 && refused.push(done))
  while (gated.waiting() < 3 || refused.length < 6) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(upstream.count(), 3)
  const other = callTool(gateway, 'wait', {})
  while (gated.waiting() < 4) await new Promise((resolve) => setTimeout(resolve, 10))
  const timer = setInterval(gated.release, 10)
  t.after(() => clearInterval(timer))
  assert.deepEqual(counts(await Promise.all(replies)), { 200: 6, 503: 6 })
  assert.equal((await other).status, 200, 'somebody else was let in at once')
  for (const { json, headers } of refused) {
    assert.equal(json.error.data.code, 'limits.concurrency')
    assert.equal(headers['retry-after'], '1')
  }
  assert.equal(gated.most(), 4)
  assert.equal(upstream.count(), 7)
})

test('a call that waits too long for its turn is refused and never runs', async (t) => {
  const gated = gatedTool()
  const concurrency = { total: 100, perPrincipal: 1, queue: 10, waitMs: 200 }
  const { upstream, gateway } = await site(t, { limits: { concurrency } }, [gated.tool])
  const first = callTool(gateway, 'wait', {})
  while (gated.waiting() < 1) await new Promise((resolve) => setTimeout(resolve, 10))
  const second = await callTool(gateway, 'wait', {})
  assert.deepEqual([second.status, second.json.error.data.code], [503, 'limits.concurrency'])
  gated.release()
  assert.equal((await first).status, 200)
  assert.equal(upstream.count(), 1)
})
