/** ID-9: each tenant has policies, roles and limits of its own, and a chain that tells of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, callTool } from '../fixtures/client.ts'
import { type CountedTool, type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

interface Site {
  readonly gateway: TestGateway
  readonly upstream: CountingUpstream
}

async function site(t: TestContext, tenants: object, tools: readonly CountedTool[] = [ECHO]): Promise<Site> {
  const upstream = await startCounting(tools)
  t.after(() => upstream.close())
  const gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config: { tenants } })
  t.after(() => gateway.close())
  return { gateway, upstream }
}

function policyFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tenant-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'own.cedar')
  writeFileSync(file, text)
  return file
}

test('a policy of one tenant decides about its calls alone, and its chain names it', async (t) => {
  const own = policyFile(t, '@id("no-echo") forbid(principal, action, resource == Tool::"one/echo");\n')
  const { gateway, upstream } = await site(t, {
    strict: { upstreams: ['one'], policy: { files: [own] } },
    plain: { upstreams: ['one'] },
  })
  const [strict, plain] = [
    await gateway.issue(['admin'], { tenant: 'strict' }),
    await gateway.issue(['admin'], { tenant: 'plain' }),
  ]
  const refused = await callTool(gateway, 'echo', {}, { token: strict })
  assert.equal(refused.json.error.data.code, 'policy.unknown_target')
  assert.equal(upstream.count(), 0)
  assert.deepEqual((await ask(gateway, 'tools/list', {}, { token: strict })).json.result.tools, [])
  assert.equal((await callTool(gateway, 'echo', {}, { token: plain })).status, 200)
  assert.equal(upstream.count(), 1)
  const decided = recordsOf(gateway).flatMap((record) =>
    record.kind === 'call' && record.method === 'tools/call' ? [[record.tenant, record.decision?.policies]] : [],
  )
  assert.deepEqual(decided, [['plain', ['administrators-may-everything']]])
  const refusal = recordsOf(gateway).find((record) => record.kind === 'refusal' && record.tenant === 'strict')
  assert.ok(refusal)
})

test('a role of one tenant means nothing in another', async (t) => {
  const own = policyFile(t, '@id("buyers") permit(principal in Role::"buyer", action, resource);\n')
  const { gateway, upstream } = await site(t, {
    shop: { upstreams: ['one'], policy: { files: [own], roles: ['buyer'] } },
    plain: { upstreams: ['one'] },
  })
  const by = (tenant: string) => gateway.issue(['buyer'], { tenant })
  assert.equal((await callTool(gateway, 'echo', {}, { token: await by('shop') })).status, 200)
  const refused = await callTool(gateway, 'echo', {}, { token: await by('plain') })
  assert.equal(refused.json.error.data.code, 'policy.unknown_target')
  assert.equal(upstream.count(), 1)
})

test('a tenant may send as many requests as its rate allows, whoever of it does, and others as before', async (t) => {
  const rate = { permits: 1, perSeconds: 3_600, burst: 5 }
  const { gateway, upstream } = await site(t, {
    small: { upstreams: ['one'], limits: { rate } },
    plain: { upstreams: ['one'] },
  })
  const tokens = [1, 2, 3].map(() => gateway.issue(['admin'], { tenant: 'small' }))
  const earlier = upstream.count()
  const replies = await Promise.all(
    tokens.flatMap((token) => [1, 2, 3, 4].map(async () => callTool(gateway, 'echo', {}, { token: await token }))),
  )
  assert.equal(replies.filter(({ status }) => status === 200).length, 5)
  for (const { status, headers } of replies.filter((reply) => reply.status !== 200)) {
    assert.equal(status, 429)
    assert.ok(Number(headers['retry-after']) > 0)
  }
  assert.equal(upstream.count() - earlier, 5)
  const plain = await gateway.issue(['admin'], { tenant: 'plain' })
  for (let i = 0; i < 8; i++) assert.equal((await callTool(gateway, 'echo', {}, { token: plain })).status, 200)
})

test('a tenant has as many calls under way as it may have, and keeps nobody else waiting', async (t) => {
  const running = { now: 0, most: 0 }
  const release: Array<() => void> = []
  const slow: CountedTool = {
    name: 'slow',
    run: async () => {
      running.most = Math.max(running.most, ++running.now)
      await new Promise<void>((resolve) => release.push(resolve))
      running.now--
      return { content: [] }
    },
  }
  const tenants = { small: { upstreams: ['one'], limits: { concurrency: 2 } }, plain: { upstreams: ['one'] } }
  const { gateway } = await site(t, tenants, [slow, ECHO])
  const tokens = await Promise.all([1, 2, 3, 4].map(() => gateway.issue(['admin'], { tenant: 'small' })))
  const calls = Promise.all(tokens.map((token) => callTool(gateway, 'slow', {}, { token })))
  const plain = await gateway.issue(['admin'], { tenant: 'plain' })
  let freed = 0
  while (freed < 4) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (release.length < 2 && freed < 2) continue
    if (freed === 0) assert.equal((await callTool(gateway, 'echo', {}, { token: plain })).status, 200)
    for (const free of release.splice(0)) {
      freed++
      free()
    }
  }
  assert.deepEqual(
    (await calls).map(({ status }) => status),
    [200, 200, 200, 200],
  )
  assert.equal(running.most, 2)
})
