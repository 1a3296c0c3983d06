/** TR-1 and TR-3 for two gateway processes over one Redis and one store: limits are exact, blocks and revocations hold on both. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { stringify } from 'yaml'
import { callTool, type Reachable, type Reply, send } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { configOf, startTestGateway } from '../fixtures/gateway.ts'
import { startRedis } from '../fixtures/redis.ts'
import { serveFrom } from '../fixtures/served.ts'

const LAUNCHER = join(import.meta.dirname, '../fixtures/portcullis.ts')
const PLENTY = { permits: 1_000_000, perSeconds: 1, burst: 1_000_000 }
const CALLS = 64

const counts = (replies: readonly Reply[]) => {
  const found: Record<number, number> = {}
  for (const { status } of replies) found[status] = (found[status] ?? 0) + 1
  return found
}

/** A second process beside one that serves: the same state, its own audit chains. */
async function beside(t: TestContext, config: object, folder: string): Promise<string> {
  const file = join(folder, 'second.yaml')
  writeFileSync(file, stringify({ ...config, audit: { log: { level: 'silent' }, folder: join(folder, 'audit-2') } }))
  const child = spawn(process.execPath, [LAUNCHER, 'serve', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      const told = /https:\/\/\S+/.exec(said)?.[0]
      if (told !== undefined) resolve(told)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', () => reject(new Error(said)))
  })
}

const until = async (holds: () => Promise<boolean>): Promise<number> => {
  const from = performance.now()
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
  return performance.now() - from
}

describe('two gateways', { timeout: 120_000 }, () => {
  it('over one Redis let exactly as many calls through as the limit says, and both keep to a block and a revocation', async (t) => {
    const redis = await startRedis(t)
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const secret = join(mkdtempSync(join(tmpdir(), 'portcullis-secret-')), 'password')
    t.after(() => rmSync(join(secret, '..'), { recursive: true, force: true }))
    writeFileSync(secret, redis.password, { mode: 0o600 })
    const traffic = {
      redis: { url: redis.url, ca: redis.caFile, password: { file: secret }, timeoutMs: 5_000 },
      rate: { perAddress: PLENTY, perPrincipal: { permits: 1, perSeconds: 3_600, burst: 20 } },
    }
    const upstreams = [{ name: 'one', url: upstream.url }]
    const first = await serveFrom(t, upstreams, undefined, { traffic })
    const policy = { files: ['access.cedar'], roles: ['admin', 'user'] }
    const origin = await beside(t, { ...configOf({ upstreams }), policy, traffic }, first.folder)
    const second: Reachable = { ...first, origin, url: `${origin}/mcp/one` }

    const calls = await Promise.all(
      Array.from({ length: CALLS }, (_, at) => callTool(at % 2 ? first : second, 'echo', {})),
    )
    assert.deepEqual(counts(calls), { 200: 20, 429: CALLS - 20 })
    assert.equal(upstream.count(), 20)

    const keys = await send(first, undefined, { method: 'GET', url: `${first.origin}/admin/v1/keys` })
    assert.equal(keys.status, 429, 'the administration counts, too')
  })

  it('over one store hold a block and a revocation within a second of each other', async (t) => {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    const upstreams = [{ name: 'one', url: upstream.url }]
    const first = await serveFrom(t, upstreams)
    const policy = { files: ['access.cedar'], roles: ['admin', 'user'] }
    const origin = await beside(t, { ...configOf({ upstreams }), policy }, first.folder)
    const second: Reachable = { ...first, origin, url: `${origin}/mcp/one` }
    const admin = (gateway: Reachable, path: string, body: object) =>
      send(gateway, body, { url: `${gateway.origin}/admin/v1${path}` })
    const issued = await admin(first, '/keys', { name: 'victim', roles: ['admin'] })
    assert.equal(issued.status, 201, issued.text)
    const token = String(issued.json.key)
    const { id } = issued.json
    for (const gateway of [first, second]) assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)

    assert.equal((await admin(first, '/blocks', { kind: 'key', value: id })).status, 201)
    assert.equal((await callTool(first, 'echo', {}, { token })).status, 403)
    const blockedMs = await until(async () => (await callTool(second, 'echo', {}, { token })).status === 403)
    assert.equal((await admin(second, '/blocks/remove', { kind: 'key', value: id })).status, 200)
    await until(async () => (await callTool(first, 'echo', {}, { token })).status === 200)
    assert.equal((await admin(second, `/keys/${id}/revoke`, {})).status, 200)
    const revokedMs = await until(async () => (await callTool(first, 'echo', {}, { token })).status === 401)
    t.diagnostic(
      `a block held on the other node after ${blockedMs.toFixed(0)} ms, a revocation after ${revokedMs.toFixed(0)} ms`,
    )
    const before = upstream.count()
    for (const gateway of [first, second]) await callTool(gateway, 'echo', {}, { token })
    assert.equal(upstream.count(), before)
  })

  it('let one of many changes win that were decided about the same revision', async (t) => {
    const first = await serveFrom(t, [])
    const policy = { files: ['access.cedar'], roles: ['admin', 'user'] }
    const origin = await beside(t, { ...configOf({ upstreams: [] }), policy }, first.folder)
    const issued = await send(first, { name: 'k', roles: ['user'] }, { url: `${first.origin}/admin/v1/keys` })
    const headers = { 'if-match': `"${issued.json.revision}"` }
    const rotate = (to: string) => send(first, {}, { url: `${to}/admin/v1/keys/${issued.json.id}/rotate`, headers })
    const replies = await Promise.all(Array.from({ length: 10 }, (_, at) => rotate(at % 2 ? first.origin : origin)))
    assert.deepEqual(counts(replies), { 201: 1, 412: 9 })
  })
})

describe('a gateway without its Redis', { timeout: 60_000 }, () => {
  const trafficOf = (url: string, more: object = {}) => ({
    rate: { perAddress: PLENTY, perPrincipal: { permits: 1, perSeconds: 3_600, burst: 3 } },
    redis: { url, ...more },
  })

  it('does not start, and says why; nor with plain text that is not spelled', async (t) => {
    const redis = await startRedis(t)
    const environment = { REDIS_PASSWORD: 'wrong' }
    const password = { env: 'REDIS_PASSWORD' }
    const start = (traffic: object) => startTestGateway({ upstreams: [], config: { traffic }, environment })
    await assert.rejects(start(trafficOf(redis.url, { ca: redis.caFile, password })), /Redis cannot be used.*WRONGPASS/)
    await assert.rejects(start(trafficOf(redis.url, { password })), /Redis cannot be used.*certificate/i)
    await assert.rejects(start(trafficOf(redis.plainUrl, { password })), /plaintext/)
    await assert.rejects(start(trafficOf('redis://redis.example.com', { plaintext: 'loopback-only' })), /loopback/)
  })

  it('refuses every call while it is away, so that no limit is passed, and counts alone only where that is spelled', async (t) => {
    for (const onLoss of ['refuse', 'local'] as const) {
      const redis = await startRedis(t)
      const upstream = await startCounting()
      t.after(() => upstream.close())
      const more = { plaintext: 'loopback-only', password: { env: 'REDIS_PASSWORD' }, onLoss, timeoutMs: 300 }
      const gateway = await startTestGateway({
        upstreams: [{ name: 'one', url: upstream.url }],
        environment: { REDIS_PASSWORD: redis.password },
        config: { traffic: trafficOf(redis.plainUrl, more) },
      })
      t.after(() => gateway.close())
      assert.equal((await callTool(gateway, 'echo', {})).status, 200)
      await redis.kill()
      const before = upstream.count()
      const replies: Reply[] = []
      for (let call = 0; call < 6; call++) replies.push(await callTool(gateway, 'echo', {}))
      const passed = replies.filter(({ status }) => status === 200).length
      assert.equal(upstream.count() - before, passed)
      assert.equal(passed, onLoss === 'local' ? 3 : 0)
      const refused = replies.at(-1) as Reply
      assert.deepEqual(
        [refused.status, refused.json.error.data.code],
        onLoss === 'local' ? [429, 'traffic.rate_limited'] : [503, 'traffic.unavailable'],
      )
      assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/)
      if (onLoss === 'local') continue
      await redis.again()
      await until(async () => (await callTool(gateway, 'echo', {})).status === 200)
    }
  })
})
