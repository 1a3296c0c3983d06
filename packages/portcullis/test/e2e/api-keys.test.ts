/** ID-1, ID-8 and what ends with a key: API keys from issue to revocation, as clients of a running gateway meet them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningFixture, startEverything } from '../fixtures/everything/http.ts'
import { auditText } from '../fixtures/audit.ts'
import { ask, callTool, modern, openSession, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let counting: CountingUpstream
let everything: RunningFixture
let gateway: TestGateway
let shiftMs = 0

before(async () => {
  counting = await startCounting()
  everything = await startEverything()
  gateway = await startTestGateway({
    upstreams: [
      { name: 'counting', url: counting.url },
      { name: 'everything', url: everything.url },
    ],
    clock: { now: () => Date.now() + shiftMs },
  })
})
after(async () => {
  await gateway.close()
  await counting.close()
  await everything.close()
})

const echo = (token: string | null) => callTool(gateway, 'echo', { text: 'x' }, { token })
const statusOf = async (token: string) => (await echo(token)).status

test('a key is 256 random bits behind a prefix, with a checksum that refuses a typing error', async () => {
  const token = await gateway.issue(['admin'])
  assert.match(token, /^pcl_test_[0-9A-Za-z]{49}$/)
  assert.equal(await statusOf(token), 200)
  const earlier = counting.count()
  const last = token.endsWith('A') ? 'B' : 'A'
  for (const wrong of [`${token.slice(0, -1)}${last}`, token.slice(0, -1), `${token}A`, token.toLowerCase(), '']) {
    assert.equal(await statusOf(wrong), 401)
  }
  assert.equal(counting.count(), earlier)
})

test('only a digest of a key is kept', async () => {
  const token = await gateway.issue(['admin'])
  await echo(token)
  const state = readdirSync(gateway.stateFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
  assert.ok(state.includes(createHash('sha256').update(token).digest('base64url')), 'the digest is there')
  for (const kept of [state, gateway.logged.join('\n'), auditText(gateway)]) {
    assert.ok(!kept.includes(token) && !kept.includes(token.slice(9, 40)))
  }
})

test('a key that is limited to an upstream opens no other, and not by the aggregate path', async () => {
  const token = await gateway.issue(['admin'], { upstreams: ['everything'] })
  const earlier = counting.count()
  assert.equal(await statusOf(token), 403)
  const name = 'counting__echo'
  const aggregate = await callTool(gateway, name, { text: 'x' }, { token, url: `${gateway.origin}/mcp` })
  assert.equal(aggregate.json.error.code, -32602, aggregate.text)
  const listed = await ask(gateway, 'tools/list', {}, { token, url: `${gateway.origin}/mcp` })
  const names: string[] = listed.json.result.tools.map((tool: { name: string }) => tool.name)
  assert.ok(names.length > 0 && names.every((one) => one.startsWith('everything')), names.join(' '))
  assert.equal(counting.count(), earlier)
  const own = await ask(gateway, 'tools/list', {}, { token, url: gateway.endpoint('everything') })
  assert.equal(own.status, 200)
})

test('a rotated key works beside its successor until the overlap ends', async () => {
  const old = await gateway.issue(['admin'])
  const successor = await gateway.rotate(old, 60)
  assert.notEqual(successor, old)
  assert.deepEqual([await statusOf(old), await statusOf(successor)], [200, 200])
  assert.equal((await gateway.recordOf(successor))?.principal, (await gateway.recordOf(old))?.principal)
  await pass(61_000)
  assert.deepEqual([await statusOf(old), await statusOf(successor)], [401, 200])
})

test('a key that is rotated without an overlap ends within a second', async () => {
  const old = await gateway.issue(['admin'])
  assert.equal(await statusOf(old), 200, 'it is remembered')
  const successor = await gateway.rotate(old, 0)
  await sleep(1_000)
  assert.deepEqual([await statusOf(old), await statusOf(successor)], [401, 200])
})

test('a key ends at its expiry, though it is remembered', async () => {
  const token = await gateway.issue(['admin'], { expiresAt: Date.now() + shiftMs + 30_000 })
  assert.equal(await statusOf(token), 200)
  await pass(31_000)
  const calls = counting.count()
  assert.equal(await statusOf(token), 401)
  assert.equal(counting.count(), calls)
})

/** Lets the gateway's clock run ahead, until it has heard that there are no news of revocations. */
async function pass(ms: number): Promise<void> {
  shiftMs += ms
  while ((await echo(gateway.token)).status === 503) await sleep(50)
}

test('the last use of a key is shown', async () => {
  const token = await gateway.issue(['admin'])
  assert.equal((await gateway.recordOf(token))?.lastUsedAt, undefined)
  const from = Date.now() + shiftMs
  await echo(token)
  let lastUsedAt: number | undefined
  while (lastUsedAt === undefined) {
    await sleep(100)
    lastUsedAt = (await gateway.recordOf(token))?.lastUsedAt
  }
  assert.ok(lastUsedAt >= from && lastUsedAt <= Date.now() + shiftMs)
})

test('a revocation holds within a second: the next call is refused', async () => {
  const token = await gateway.issue(['admin'])
  assert.equal(await statusOf(token), 200, 'it is remembered')
  await gateway.revoke(token)
  await sleep(1_000)
  const calls = counting.count()
  assert.equal(await statusOf(token), 401)
  assert.equal(counting.count(), calls)
})

test('a revocation ends open streams within a second', async () => {
  const token = await gateway.issue(['admin'])
  const url = gateway.endpoint('everything')
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const listening = await stream(gateway, body, { token, url, headers })
  await listening.until(/subscriptions\/acknowledged/)
  const session = await openSession(gateway, { token, url })
  const own = await stream(gateway, undefined, { method: 'GET', token, url, headers: session })
  assert.equal(own.status, 200)
  const waiting = callTool(gateway, 'wait_until_cancelled', {}, { token, url })
  await sleep(300)
  const bystander = await stream(gateway, body, { url, headers })
  await bystander.until(/subscriptions\/acknowledged/)
  let over = false
  void bystander.ended.then(() => {
    over = true
  })

  await gateway.revoke(token)
  const all = Promise.all([listening.ended, own.ended, waiting])
  const inTime = await Promise.race([all.then(() => true), sleep(1_000, false)])
  assert.ok(inTime, 'listen, the stream of the session and the call under way have ended')
  assert.ok(!(await waiting).text.includes('Waited'))
  assert.ok(!over, 'the stream of somebody else has not')
  bystander.close()
  const late = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { token, url, headers: session })
  assert.equal(late.status, 401)
  const stolen = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { url, headers: session })
  assert.equal(stolen.status, 404, 'its session is gone')
})

test('a stream ends with the expiry of its key', async () => {
  const token = await gateway.issue(['admin'], { expiresAt: Date.now() + shiftMs + 1_500 })
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } })
  const listening = await stream(gateway, body, { token, url: gateway.endpoint('everything'), headers })
  await listening.until(/subscriptions\/acknowledged/)
  await listening.ended
  assert.ok(Date.now() + shiftMs >= ((await gateway.recordOf(token))?.expiresAt ?? 0))
})

test('with keys switched off none opens anything', async (t) => {
  const off = await startTestGateway({
    upstreams: [{ name: 'counting', url: counting.url }],
    config: { identity: { apiKeys: { enabled: false } } },
  })
  t.after(() => off.close())
  assert.equal((await callTool(off, 'echo', {})).status, 401)
})
