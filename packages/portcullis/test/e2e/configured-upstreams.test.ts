/** SB-4, SB-6, TR-2, AU-1, AU-3: what is configured of programs, connections, tenants, breakers, levels and witnesses has its effect, and another one is there without it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditRecord } from '../../src/audit/record.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { Browser } from '../fixtures/browser.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { callTool, send } from '../fixtures/client.ts'
import { goThrough, linkOf, call as callMail, end, scene } from '../fixtures/connecting.ts'
import { type CountedTool, ECHO, respond, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

/** A server whose one tool runs a command line. */
const RUNNER = `
const { spawnSync } = require('node:child_process')
const base = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const answers = {
  'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
  'tools/list': { tools: [{ name: 'run', inputSchema: { type: 'object', properties: { code: { type: 'string' } } } }] },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const reply = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { ...base, ...result } }))
  if (answers[method]) return reply(answers[method])
  const done = spawnSync('sh', ['-c', params.arguments.code], { encoding: 'utf8', maxBuffer: 1e8 })
  reply({ content: [{ type: 'text', text: done.stdout }] })
})`

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-configured-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < 400; turn++) {
    if (await condition()) return
    await sleep(25)
  }
  assert.fail(`it never came about that ${what}`)
}

describe('a program', { timeout: 60_000 }, () => {
  let folder: string
  let gateway: TestGateway
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-programs-'))
    mkdirSync(join(folder, 'library'))
    const stdio = (more: object, sandbox: object = {}) => ({
      ...{ trust: 'trusted', inspection: { mode: 'shadow' } },
      stdio: {
        ...{ command: process.execPath, args: ['-e', RUNNER] },
        sandbox: { memoryMiB: 2048, ...sandbox },
        ...more,
      },
    })
    gateway = await startTestGateway({
      upstreams: [],
      config: {
        upstreams: {
          usual: stdio({}),
          placed: stdio({ cwd: join(folder, 'library') }, { read: [join(folder, 'library')] }),
          brief: stdio({ deadlines: { lifeSeconds: 1 } }),
          idle: stdio({ deadlines: { idleSeconds: 1 } }),
          hasty: stdio({ deadlines: { callSeconds: 1 } }),
          tenant: stdio({ process: 'per-tenant' }),
          terse: stdio({}, { totalOutputMiB: 1 }),
          slow: stdio({}, { outputMiB: 1 }),
        },
      },
    })
  })
  after(async () => {
    await gateway?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = async (upstream: string, code: string, token = gateway.token): Promise<string> => {
    const { json } = await callTool(gateway, 'run', { code }, { token, url: gateway.endpoint(upstream) })
    return json.result?.content[0].text ?? json.error.data.code
  }

  test('starts in the folder cwd', async () => {
    assert.equal((await run('placed', 'pwd')).trim(), join(folder, 'library'))
    assert.notEqual((await run('usual', 'pwd')).trim(), join(folder, 'library'))
  })

  test('ends after lifeSeconds, and after idleSeconds without a call', async () => {
    for (const upstream of ['brief', 'idle', 'usual']) await run(upstream, 'touch /tmp/mark')
    await sleep(2_500)
    const left = async (upstream: string) => (await run(upstream, 'ls /tmp')).includes('mark')
    assert.deepEqual([await left('brief'), await left('idle'), await left('usual')], [false, false, true])
  })

  test('has callSeconds for each call', async () => {
    const slow = 'sleep 2; echo done'
    assert.match(await run('hasty', slow), /^(?:upstream|limits)\./)
    assert.equal(await run('usual', slow), 'done\n')
  })

  test('is shared by the principals of a tenant where process says so', async () => {
    const [one, other] = [await gateway.issue(['admin']), await gateway.issue(['admin'])]
    for (const upstream of ['tenant', 'usual']) {
      await run(upstream, 'touch /tmp/of-one', one)
      assert.equal((await run(upstream, 'ls /tmp', other)).includes('of-one'), upstream === 'tenant')
    }
  })

  test('may put out totalOutputMiB in all and outputMiB in a second', async () => {
    const print = 'head -c 3000000 /dev/zero | tr "\\\\0" x'
    assert.equal((await run('usual', print)).length, 3_000_000)
    assert.match(await run('terse', print), /^(?:upstream|limits)\./)
    const startedAt = performance.now()
    assert.equal((await run('slow', print)).length, 3_000_000)
    // Whatever the machine is busy with, it cannot be faster than it may.
    assert.ok(performance.now() - startedAt > 1_000)
  })
})

describe('an upstream', { timeout: 60_000 }, () => {
  test('has no more connections than maxConnections', async (t) => {
    const upstream = await startCounting()
    t.after(() => upstream.close())
    let [now, most] = [0, 0]
    upstream.misbehave(({ message }, response) => {
      if (message?.method !== 'tools/call') return false
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        respond(response, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', content: [] } })
      }, 100)
      return true
    })
    const gateway = await startTestGateway({
      upstreams: [
        { name: 'one', url: upstream.url, http: { maxConnections: 1 } },
        { name: 'many', url: upstream.url },
      ],
    })
    t.after(() => gateway.close())
    const seen: boolean[] = []
    for (const name of ['one', 'many']) {
      most = 0
      await Promise.all(Array.from({ length: 5 }, () => callTool(gateway, 'echo', {}, { url: gateway.endpoint(name) })))
      seen.push(most > 1)
    }
    assert.deepEqual(seen, [false, true])
  })

  test('keeps of a tool as many bytes as its maxBytes says', async (t) => {
    const upstream = await startCounting([ECHO, { ...ECHO, name: 'short' }])
    t.after(() => upstream.close())
    const payloads = { arguments: true, maxBytes: 1_000, tools: { short: { maxBytes: 256 } } }
    const gateway = await startTestGateway({
      upstreams: [],
      config: {
        policy: { files: ['access.cedar'], roles: ['admin'], builtin: ['auditor'] },
        upstreams: {
          one: { trust: 'trusted', http: { url: upstream.url, plaintext: 'loopback-only' }, payloads },
        },
      },
    })
    t.after(() => gateway.close())
    const token = await gateway.issue(['auditor'])
    const kept = async (tool: string) => {
      await callTool(gateway, tool, { text: 'x'.repeat(3_000) }, { url: gateway.endpoint('one') })
      const record = recordsOf(gateway).findLast(({ kind }) => kind === 'call') as AuditRecord & { incident: string }
      const url = `${gateway.origin}/admin/v1/audit/payloads/${record.incident}`
      return (await send(gateway, undefined, { method: 'GET', url, token })).text.length
    }
    const [long, short] = [await kept('echo'), await kept('short')]
    assert.ok(long - short > 700, `${long} and ${short}`)
  })
})

describe('places for calls', { timeout: 60_000 }, () => {
  test('are as many as total says, and are waited for as long as waitMs says', async (t) => {
    const slow: CountedTool = {
      ...ECHO,
      run: async () => {
        await sleep(800)
        return { content: [] }
      },
    }
    const upstream = await startCounting([slow])
    t.after(() => upstream.close())
    const refused: boolean[] = []
    for (const concurrency of [{ total: 4, waitMs: 50 }, { total: 4 }, { waitMs: 50 }]) {
      const gateway = await startTestGateway({
        upstreams: [{ name: 'one', url: upstream.url }],
        // A machine that is busy with other tests sheds nothing here.
        config: { limits: { concurrency, overload: { lagMs: 0 } } },
      })
      t.after(() => gateway.close())
      const replies = await Promise.all(Array.from({ length: 6 }, () => callTool(gateway, 'echo', {})))
      refused.push(replies.some(({ status }) => status !== 200))
    }
    assert.deepEqual(refused, [true, false, false])
  })
})

test('one place is enough for one call', async (t) => {
  const upstream = await startCounting([ECHO])
  t.after(() => upstream.close())
  const config = { limits: { concurrency: { total: 1, perPrincipal: 1 }, overload: { lagMs: 0 } } }
  const gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }], config })
  t.after(() => gateway.close())
  for (let each = 0; each < 3; each++) assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200)
})

describe('breakers', { timeout: 60_000 }, () => {
  test('open when as many of the calls fail as ratio says', async (t) => {
    const outcomes: boolean[] = []
    for (const ratio of [1, undefined]) {
      const failing: CountedTool = { ...ECHO, name: 'fail' }
      const upstream = await startCounting([ECHO, failing])
      t.after(() => upstream.close())
      upstream.misbehave(({ message }, response) => {
        const fails = message?.method === 'tools/call' && message.params.name === 'fail'
        if (fails) response.writeHead(500).end()
        return fails
      })
      const breakers = { failures: 4, ...(ratio !== undefined && { ratio }) }
      const gateway = await startTestGateway({
        upstreams: [{ name: 'one', url: upstream.url }],
        config: { limits: { breakers } },
      })
      t.after(() => gateway.close())
      let rests = false
      for (let each = 0; each < 40 && !rests; each++) {
        const { json } = await callTool(gateway, each % 4 === 0 ? 'echo' : 'fail', {})
        rests = json?.error?.data?.code === 'upstream.resting'
      }
      outcomes.push(rests)
    }
    assert.deepEqual(outcomes, [false, true])
  })
})

describe('levels of unusual conduct', { timeout: 60_000 }, () => {
  /** The level of the alert about a known caller who tries new tools; undefined without one. */
  async function levelOf(t: TestContext, anomalies: object): Promise<string | undefined> {
    const further = Array.from({ length: 6 }, (_, at) => ({ ...ECHO, name: `tool-${at}` }))
    const upstream = await startCounting([ECHO, ...further])
    t.after(() => upstream.close())
    const gateway = await startTestGateway({
      upstreams: [{ name: 'one', url: upstream.url }],
      policy: 'permit (principal, action, resource);\n',
      config: { anomalies: { learning: { days: 1, calls: 10 }, ...anomalies } },
    })
    t.after(() => gateway.close())
    const token = await gateway.issue(['user'])
    for (let call = 0; call < 12; call++) await callTool(gateway, 'echo', {}, { token })
    for (let tool = 0; tool < 4; tool++) await callTool(gateway, `tool-${tool}`, {}, { token })
    const alerts = recordsOf(gateway).filter((record) => record.kind === 'alert')
    return alerts.findLast((record) => record.kind === 'alert' && record.subject.kind === 'principal')?.level
  }

  test('begin at the scores that are said, and are answered as is said', async (t) => {
    const answers = { low: 'alert' }
    assert.equal(await levelOf(t, { levels: { low: 1, medium: 74 } }), undefined, 'a note is no record')
    assert.equal(await levelOf(t, { answers, levels: { low: 1, medium: 74 } }), 'low')
    assert.equal(await levelOf(t, { answers, levels: { low: 73, medium: 74 } }), undefined)
    assert.equal(await levelOf(t, { levels: { low: 1, medium: 2, high: 3 } }), 'high')
    assert.equal(await levelOf(t, { levels: { low: 1, medium: 2, high: 3, critical: 4 } }), 'critical')
  })
})

describe('a policy', { timeout: 60_000 }, () => {
  test('may name the roles that are said, and no other', async (t) => {
    const policy = 'permit (principal in Role::"partner", action, resource);\n'
    const gateway = await startTestGateway({ upstreams: [], policy, roles: ['partner'] })
    t.after(() => gateway.close())
    await assert.rejects(startTestGateway({ upstreams: [], policy, roles: ['admin'] }), /partner/)
  })
})

describe('a tenant', { timeout: 60_000 }, () => {
  test('has the ready-made roles that its policy puts in force', async (t) => {
    const gateway = await startTestGateway({
      upstreams: [],
      config: {
        upstreams: {},
        tenants: {
          default: { upstreams: [] },
          acme: { upstreams: [], policy: { builtin: ['auditor'] } },
          other: { upstreams: [] },
        },
      },
    })
    t.after(() => gateway.close())
    const statuses: number[] = []
    for (const tenant of ['acme', 'other']) {
      const token = await gateway.issue(['auditor'], { tenant })
      const url = `${gateway.origin}/admin/v1/audit`
      statuses.push((await send(gateway, undefined, { method: 'GET', url, token })).status)
    }
    assert.deepEqual(statuses, [200, 404], 'without it nobody hears that there is anything')
  })
})

describe('a witness', { timeout: 60_000 }, () => {
  test('is a branch of a repository, and its remote too', async (t) => {
    const folder = scratch(t)
    const git = (...args: readonly string[]) => execFileSync('git', [...args], { encoding: 'utf8', stdio: 'pipe' })
    for (const name of ['own', 'far']) git('init', '--quiet', '--bare', join(folder, name))
    git('-C', join(folder, 'own'), 'remote', 'add', 'upstream', join(folder, 'far'))
    const place = { repository: join(folder, 'own'), branch: 'gate', remote: 'upstream', sameDevice: 'allowed' }
    const start = (one: object) =>
      startTestGateway({
        upstreams: [],
        config: { audit: { checkpointEverySeconds: 1, witness: { git: { git: one } } } },
      })
    const gateway = await start(place)
    t.after(() => gateway.close())
    await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/mcp` })
    for (const name of ['own', 'far'])
      await until(() => git('--git-dir', join(folder, name), 'branch').includes('gate'), `${name} has the branch`)
    await assert.rejects(start({ repository: place.repository }), /device/)
  })

  test('over https is believed by its authority, in the networks that are said', async (t) => {
    const identity = await createTestIdentity()
    let told = 0
    const service = createServer({ key: identity.key, cert: identity.cert }, (request, response) => {
      told++
      request.resume()
      response.end()
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    t.after(() => (service.closeAllConnections(), service.close(), identity.remove()))
    const url = `https://127.0.0.1:${(service.address() as AddressInfo).port}/`
    const whole = { url, ca: identity.caFile, privateNetworks: ['127.0.0.0/8'] }
    for (const [https, isTold] of [
      [{ ...whole, ca: undefined }, false],
      [{ ...whole, privateNetworks: [] }, false],
      [whole, true],
    ] as const) {
      told = 0
      const gateway = await startTestGateway({
        upstreams: [],
        config: { audit: { checkpointEverySeconds: 1, witness: { far: { https } } } },
      })
      await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/mcp` })
      if (isTold) await until(() => told > 0, 'it is told')
      else await until(() => gateway.logged.some((line) => /"far"/.test(line) && /warn|error/.test(line)), 'it fails')
      await gateway.close()
      assert.equal(told > 0, isTold)
    }
  })
})

describe('records and traces', { timeout: 60_000 }, () => {
  test('wait for others as long as waitMs says', async (t) => {
    const folder = scratch(t)
    for (const name of ['quick', 'patient']) writeFileSync(join(folder, name), '', { mode: 0o600 })
    const gateway = await startTestGateway({
      upstreams: [],
      config: {
        exporters: {
          quick: { file: { path: join(folder, 'quick') }, batch: { waitMs: 0 } },
          patient: { file: { path: join(folder, 'patient') }, batch: { waitMs: 60_000 } },
        },
      },
    })
    t.after(() => gateway.close())
    await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/mcp` })
    const text = (name: string) => readFileSync(join(folder, name), 'utf8')
    await until(() => text('quick').includes('"refusal"'), 'one has the record of the call')
    assert.ok(!text('patient').includes('"refusal"'))
  })
})

describe('an OAuth client of an upstream', { timeout: 60_000 }, () => {
  test('asks for the scopes that are said', async (t) => {
    const asked: boolean[] = []
    for (const more of [{ scopes: ['of-the-house'] }, {}]) {
      const all = await scene(more)
      t.after(() => end(all))
      const key = await all.gateway.issue(['user'])
      const link = linkOf(await callMail(all.gateway, key))
      const browser = new Browser(all.gateway.origin, all.gateway.caFile)
      t.after(() => browser.close())
      const left = await browser.submit(await browser.get(link), link.slice(all.gateway.origin.length), { key })
      asked.push(left.text.includes('of-the-house'))
    }
    assert.deepEqual(asked, [true, false])
  })

  test('presents the document that is said', async (t) => {
    const document = 'http://127.0.0.1:1/client.json'
    const all = await scene({ client: undefined, document })
    t.after(() => end(all))
    const key = await all.gateway.issue(['user'])
    const { left } = await goThrough(all, linkOf(await callMail(all.gateway, key)), key, 'one')
    assert.ok(left.text.includes(encodeURIComponent(document)) || left.status >= 400)
    assert.ok(!left.text.includes(encodeURIComponent(`${all.gateway.origin}/connect/client`)))
  })
})
