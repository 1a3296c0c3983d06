/** AU-4, AU-2: what is configured of each place to which records and telemetry go arrives there. */
import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { callTool } from '../fixtures/client.ts'
import { startCollector } from '../fixtures/collector.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { startHttpReceiver, startSyslogReceiver } from '../fixtures/record-receivers.ts'

const HOOK = { HOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`, HOOK_HEADER: 'of-the-hook' }
const BATCH = { waitMs: 0 }

let upstream: CountingUpstream
let identity: TestIdentity
let folder: string
/** Of us, to show to receivers. */
let own: { readonly certificate: string; readonly key: string }

before(async () => {
  upstream = await startCounting()
  identity = await createTestIdentity()
  folder = mkdtempSync(join(tmpdir(), 'portcullis-configured-'))
  own = { certificate: join(folder, 'own.crt'), key: join(folder, 'own.key') }
  writeFileSync(own.certificate, identity.cert)
  writeFileSync(own.key, identity.key, { mode: 0o600 })
})
after(async () => {
  await upstream.close()
  identity.remove()
  rmSync(folder, { recursive: true, force: true })
})

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (condition()) return
    await sleep(10)
  }
  assert.fail(`it never came about that ${what}`)
}

async function exporting(t: TestContext, exporters: object, more: object = {}) {
  const gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url }],
    config: { exporters, ...more },
    environment: HOOK,
  })
  t.after(() => gateway.close())
  const calls = async (count: number, text = 'x') => {
    for (let call = 0; call < count; call++) assert.equal((await callTool(gateway, 'echo', { text })).status, 200)
  }
  return { gateway, calls }
}

const asking = () => ({ key: identity.key, cert: identity.cert, requestCert: true, rejectUnauthorized: false })

describe('a webhook', { timeout: 60_000 }, () => {
  it('gets the headers, the signature of the key and our certificate, in requests of the size that is said', async (t) => {
    const signer = generateKeyPairSync('ed25519')
    const signing = join(folder, 'signing.key')
    writeFileSync(signing, signer.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    const shown: boolean[] = []
    const receiver = await startHttpReceiver(asking())
    t.after(() => receiver.close())
    receiver.misbehave((_, response) => {
      shown.push((response.socket as TLSSocket).getPeerCertificate().subject !== undefined)
      return false
    })
    const { calls } = await exporting(t, {
      hook: {
        webhook: {
          url: `https://127.0.0.1:${receiver.port}/records`,
          ...{ ca: identity.caFile, ...own, headers: { 'x-key': { env: 'HOOK_HEADER' } } },
          signingKey: { file: signing },
        },
        batch: { records: 3, waitMs: 50 },
      },
      small: {
        webhook: {
          url: `https://127.0.0.1:${receiver.port}/small`,
          ...{ ca: identity.caFile, secrets: [{ env: 'HOOK_SECRET' }] },
        },
        batch: { kilobytes: 1, waitMs: 50 },
      },
    })
    await calls(8)
    await until(() => receiver.taken.length > 8, 'records arrive')
    const ofKey = receiver.taken.filter(({ headers }) => headers['x-key'] === 'of-the-hook')
    const ofSecret = receiver.taken.filter(({ headers }) => headers['x-key'] === undefined)
    assert.ok(ofKey.length > 0 && ofSecret.length > 0)
    for (const { headers, text } of ofKey) {
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
      const [, signature = ''] = /v1a,([\w+/=]+)/.exec(String(headers['webhook-signature'])) ?? []
      assert.ok(verify(null, Buffer.from(signed), signer.publicKey, Buffer.from(signature, 'base64')))
      assert.ok(JSON.parse(text).data.records.length <= 3)
    }
    for (const { text } of ofSecret) assert.ok(JSON.parse(text).data.records.length <= 2, text)
    assert.ok(shown.includes(true) && shown.includes(false), 'one showed our certificate, the other one none')
  })

  it('that refuses a record is asked as often as is said, and then goes on', async (t) => {
    const receiver = await startHttpReceiver({ key: identity.key, cert: identity.cert })
    t.after(() => receiver.close())
    const tries = new Map<string, number>()
    receiver.misbehave(({ text, headers }, response) => {
      const id = String(headers['webhook-id'])
      if (!text.includes('"outcome"')) return false
      tries.set(id, (tries.get(id) ?? 0) + 1)
      response.writeHead(400).end()
      return true
    })
    const { gateway, calls } = await exporting(t, {
      hook: {
        ...{ attempts: 2, batch: { records: 1, waitMs: 0 } },
        webhook: {
          url: `https://127.0.0.1:${receiver.port}/`,
          ...{ ca: identity.caFile, secrets: [{ env: 'HOOK_SECRET' }] },
        },
      },
    })
    await calls(1)
    const dead = join(gateway.stateFolder, 'exports', 'hook.dead.jsonl')
    await until(() => existsSync(dead), 'a record is put aside')
    assert.deepEqual([...tries.values()], [2])
  })

  it('that hangs has failed after its deadline', async (t) => {
    const receiver = await startHttpReceiver({ key: identity.key, cert: identity.cert })
    t.after(() => receiver.close())
    receiver.misbehave(() => true)
    const { calls } = await exporting(t, {
      hook: {
        ...{ deadlineSeconds: 1, batch: BATCH },
        webhook: {
          url: `https://127.0.0.1:${receiver.port}/`,
          ...{ ca: identity.caFile, secrets: [{ env: 'HOOK_SECRET' }] },
        },
      },
    })
    await calls(1)
    await until(() => receiver.count() > 1, 'it is asked again')
  })

  it('gets what was there before only where that is said', async (t) => {
    const place = mkdtempSync(join(tmpdir(), 'portcullis-begin-'))
    t.after(() => rmSync(place, { recursive: true, force: true }))
    const start = (exporters: object) =>
      startTestGateway({
        ...{ folder: place, environment: HOOK, upstreams: [{ name: 'one', url: upstream.url }] },
        config: { exporters },
      })
    const first = await start({})
    assert.equal((await callTool(first, 'echo', { text: 'early' })).status, 200)
    await first.close()
    const file = (name: string) => join(place, name)
    const second = await start({
      old: { file: { path: file('old') }, batch: BATCH, kinds: ['outcome'] },
      new: { file: { path: file('new') }, batch: BATCH, kinds: ['outcome'], begin: 'newest' },
    })
    assert.equal((await callTool(second, 'echo', { text: 'late' })).status, 200)
    await second.close()
    const lines = (name: string) => readFileSync(file(name), 'utf8').trim().split('\n').length
    assert.deepEqual([lines('old'), lines('new')], [2, 1])
  })
})

describe('a file', { timeout: 60_000 }, () => {
  it('is followed by another at its size, and as many stay as are said', async (t) => {
    const place = mkdtempSync(join(tmpdir(), 'portcullis-files-'))
    t.after(() => rmSync(place, { recursive: true, force: true }))
    const { calls, gateway } = await exporting(t, {
      local: { file: { path: join(place, 'records'), maxMegabytes: 1, keep: 1 }, batch: BATCH },
    })
    for (let round = 0; round < 30 && readdirSync(place).length < 2; round++) await calls(100)
    await calls(100)
    await gateway.close()
    assert.deepEqual(readdirSync(place).toSorted(), ['records', 'records.1'])
    assert.ok(statSync(join(place, 'records.1')).size <= 1_048_576)
  })
})

describe('syslog', { timeout: 60_000 }, () => {
  it('has the facility, the number, the name and the certificate that are said, and keeps its connection where that is said', async (t) => {
    const shown: string[] = []
    const receiver = await startSyslogReceiver(asking())
    t.after(() => receiver.close())
    const target = { host: '127.0.0.1', port: receiver.port, ca: identity.caFile }
    const { calls, gateway } = await exporting(t, {
      kept: {
        syslog: { ...target, ...own, facility: 16, enterpriseNumber: 4711, acknowledgement: 'written' },
        batch: { records: 1, waitMs: 0 },
        kinds: ['outcome'],
      },
    })
    await calls(4)
    await until(() => receiver.messages.length >= 4, 'records arrive')
    assert.equal(receiver.connections(), 1)
    for (const message of receiver.messages) {
      assert.match(message, /^<13[0-5]>1 /)
      assert.match(message, /\[portcullis@4711 /)
    }
    await gateway.close()
    receiver.misbehave((socket) => {
      shown.push(Object.keys(socket.getPeerCertificate().subject ?? {}).join())
      socket.destroy()
    })
    const usual = await exporting(t, {
      told: { syslog: { ...target, ...own }, batch: BATCH },
      named: { syslog: { ...target, serverName: 'elsewhere.example' }, batch: BATCH },
    })
    await usual.calls(1)
    await until(() => shown.length > 0, 'it connects')
    assert.notEqual(shown[0], '', 'our certificate was shown')
    await until(
      () => usual.gateway.logged.some((line) => line.includes('"named"') && /altname/i.test(line)),
      'a receiver of another name is not believed',
    )
  })
})

describe('a collector of records', { timeout: 60_000 }, () => {
  it('is shown our certificate, and is reached over plain http where that is said', async (t) => {
    const collector = await startCollector()
    const secure = await startHttpReceiver(asking())
    t.after(() => Promise.all([collector.close(), secure.close()]))
    const shown: boolean[] = []
    secure.misbehave((_, response) => {
      shown.push((response.socket as TLSSocket).getPeerCertificate().subject !== undefined)
      return false
    })
    const { calls } = await exporting(t, {
      secure: { otlp: { url: `https://127.0.0.1:${secure.port}/v1/logs`, ca: identity.caFile, ...own }, batch: BATCH },
      plain: { otlp: { url: `${collector.url}/v1/logs`, plaintext: 'loopback-only' }, batch: BATCH },
      hook: {
        webhook: { url: `${collector.url}/hook`, plaintext: 'loopback-only', secrets: [{ env: 'HOOK_SECRET' }] },
        batch: BATCH,
      },
    })
    await calls(1)
    for (const path of ['/v1/logs', '/hook'])
      await until(() => collector.requests.some((one) => one.path === path), `records arrive at ${path}`)
    await until(() => shown.length > 0, 'records arrive over TLS')
    assert.equal(shown[0], true)
  })
})

describe('telemetry', { timeout: 60_000 }, () => {
  it('traces no more calls in a second than perSecond says', async (t) => {
    const counts: number[] = []
    for (const sampling of [{ perSecond: 1 }, {}]) {
      const collector = await startCollector()
      t.after(() => collector.close())
      const telemetry = { endpoint: collector.url, plaintext: 'loopback-only', traces: { sampling } }
      const { calls } = await exporting(t, {}, { telemetry })
      const startedAt = performance.now()
      await calls(40)
      const most = 2 + Math.ceil((performance.now() - startedAt) / 1_000)
      const traced = () =>
        collector.spans().filter(({ kind, name }) => kind === 2 && name.startsWith('tools/call')).length
      await collector.until(() => traced() >= ('perSecond' in sampling ? 1 : 40))
      counts.push('perSecond' in sampling ? Math.max(0, traced() - most) : traced())
    }
    assert.deepEqual(counts, [0, 40])
  })

  it('names the service as is said, tells metrics as often, and waits no longer for an answer', async (t) => {
    const collector = await startCollector()
    t.after(() => collector.close())
    const { calls } = await exporting(
      t,
      {},
      {
        telemetry: {
          ...{ endpoint: collector.url, plaintext: 'loopback-only', serviceName: 'gate-of-the-house' },
          ...{ deadlineSeconds: 1, traces: { sampling: { perSecond: 100_000 } } },
          metrics: { everySeconds: 1 },
        },
      },
    )
    await calls(1)
    const { text } = await collector.until(() => collector.requests.find(({ path }) => path === '/v1/traces'))
    assert.ok(text.includes('gate-of-the-house'))
    await collector.until(() => collector.requests.filter(({ path }) => path === '/v1/metrics').length > 1)
    const asked: string[] = []
    collector.misbehave(({ path }) => path === '/v1/metrics' && asked.push(path) > 0)
    for (let turn = 0; turn < 600 && asked.length < 2; turn++) await sleep(10)
    assert.ok(asked.length > 1, 'after its deadline the collector is asked again')
  })
})
