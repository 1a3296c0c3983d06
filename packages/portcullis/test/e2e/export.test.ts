/** AU-4: records leave a running gateway at least once and in order, and what that costs nobody who calls. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import type { AuditRecord } from '../../src/audit/record.ts'
import { runCommand } from '../../src/cli/main.ts'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointSigner, loadCheckpointKey } from '../../src/audit/checkpoint.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { callTool, send } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { type HttpReceiver, startHttpReceiver, startSyslogReceiver } from '../fixtures/record-receivers.ts'
import { serveAgain, serveFrom } from '../fixtures/served.ts'

const SECRET = Buffer.alloc(32, 7)
const ENVIRONMENT = { HOOK_SECRET: `whsec_${SECRET.toString('base64')}` }
const BATCH = { waitMs: 0 }

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let turn = 0; turn < 3_000; turn++) {
    if (await condition()) return
    await sleep(5)
  }
  assert.fail(`it never came about that ${what}`)
}

/** Records that a webhook brought, as they stand in the chain. */
const recordsIn = (receiver: HttpReceiver): readonly AuditRecord[] =>
  receiver.taken.flatMap(({ text }) => JSON.parse(text).data.records as AuditRecord[])

async function scene(t: TestContext, exporters: (port: number, ca: string) => object, more: object = {}) {
  const identity = await createTestIdentity()
  t.after(() => identity.remove())
  const receiver = await startHttpReceiver({ key: identity.key, cert: identity.cert })
  t.after(() => receiver.close())
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-export-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const gateway = await startTestGateway({
    upstreams: [{ name: 'one', url: upstream.url, era: 'modern' }],
    config: { exporters: exporters(receiver.port, identity.caFile), ...more },
    environment: ENVIRONMENT,
    folder,
  })
  let isClosed = false
  const stop = async () => {
    if (!isClosed) await gateway.close()
    isClosed = true
  }
  t.after(stop)
  return { identity, receiver, upstream, folder, gateway, stop }
}

const hook = (port: number, ca: string, more: object = {}) => ({
  hook: {
    webhook: { url: `https://127.0.0.1:${port}/records`, ca, secrets: [{ env: 'HOOK_SECRET' }] },
    batch: BATCH,
    ...more,
  },
})

describe('a gateway with exporters', () => {
  it('sends every record of every chain, once while nothing fails, signed and in order', async (t) => {
    const { receiver, gateway, stop } = await scene(t, (port, ca) => hook(port, ca))
    for (let n = 0; n < 5; n++) assert.equal((await callTool(gateway, 'echo', { text: `${n}` })).status, 200)
    assert.equal((await callTool({ ...gateway, token: 'pc_test_wrong' }, 'echo')).status, 401)
    // The end is part of it: the last records are written while the gateway closes.
    await stop()
    const sent = recordsIn(receiver)
    for (const tenant of ['default', '@gateway']) {
      const written = recordsOf(gateway).filter((record) => record.tenant === tenant)
      assert.deepEqual(
        sent.filter((record) => record.tenant === tenant),
        written,
      )
    }
    assert.equal(sent.at(-1)?.kind, 'checkpoint')
    for (const { headers, text } of receiver.taken) {
      const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`
      assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`)
    }
    assert.deepEqual(
      [...verdictsOf(gateway, 'at-rest').values()].map(({ sound }) => sound),
      [true, true],
    )
  })

  it('fills a file, a collector and a syslog receiver at once, each in its own form', async (t) => {
    const identity = await createTestIdentity()
    t.after(() => identity.remove())
    const syslog = await startSyslogReceiver({ key: identity.key, cert: identity.cert })
    t.after(() => syslog.close())
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-export-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'records.cef')
    const { receiver, gateway, stop } = await scene(t, (port, ca) => ({
      local: { format: 'cef', file: { path }, batch: BATCH, kinds: ['call', 'outcome'], tenants: ['default'] },
      siem: { format: 'ocsf', syslog: { host: '127.0.0.1', port: syslog.port, ca: identity.caFile }, batch: BATCH },
      collector: {
        otlp: { url: `https://127.0.0.1:${port}/v1/logs`, ca, headers: { 'x-key': { env: 'HOOK_SECRET' } } },
        batch: BATCH,
      },
    }))
    assert.equal((await callTool(gateway, 'echo', { text: 'a' })).status, 200)
    await stop()
    const cef = readFileSync(path, 'utf8').trim().split('\n')
    assert.equal(cef.length, 2)
    assert(cef.every((line) => line.startsWith('CEF:0|Portcullis|Portcullis|')))
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const events = syslog.messages.map((message) => JSON.parse(message.slice(message.indexOf('] {') + 2)))
    assert.equal(events.length, recordsOf(gateway).length)
    const activities = events.filter((event) => event.class_uid === 6003)
    assert.deepEqual(
      activities.map((event) => event.status),
      ['Unknown', 'Success'],
    )
    assert.equal(activities[1].resources[0].name, 'echo')
    const [{ headers }] = receiver.taken as [(typeof receiver.taken)[number]]
    assert.equal(headers['x-key'], ENVIRONMENT.HOOK_SECRET)
    assert.match(receiver.taken[0]?.text ?? '', /"resourceLogs"/)
    assert(!gateway.logged.join('').includes(ENVIRONMENT.HOOK_SECRET))
  })

  it('answers calls while a receiver hangs, and tells of it', async (t) => {
    const metrics = { listen: { port: 0, metrics: { port: 0 } } }
    const { receiver, gateway } = await scene(t, (port, ca) => hook(port, ca, { deadlineSeconds: 600 }), metrics)
    receiver.misbehave(() => true)
    await until(async () => {
      assert.equal((await callTool(gateway, 'echo', { text: 'a' })).status, 200)
      return receiver.count() > 0
    }, 'a delivery hangs')
    const before = receiver.taken.length
    for (let n = 0; n < 20; n++) assert.equal((await callTool(gateway, 'echo', { text: `${n}` })).status, 200)
    assert.equal(receiver.taken.length, before)
    const { text } = await send(gateway, undefined, {
      url: `${gateway.metricsUrl}/metrics`,
      method: 'GET',
      token: null,
    })
    const lag = Number(/^portcullis_export_lag_records\{exporter="hook"\} (\d+)$/m.exec(text)?.[1])
    assert(lag >= 40, `a lag of ${lag}`)
    const ready = await send(gateway, undefined, { url: `${gateway.metricsUrl}/readyz`, method: 'GET', token: null })
    assert.equal(ready.status, 200)
  })

  it('refuses calls while a required receiver is too far behind, before anything is done for them', async (t) => {
    const metrics = { listen: { port: 0, metrics: { port: 0 } } }
    const required = { required: true, maxLagSeconds: 1 }
    const { receiver, gateway, upstream } = await scene(t, (port, ca) => hook(port, ca, required), metrics)
    await until(async () => (await callTool(gateway, 'echo', { text: 'a' })).status === 200, 'a call is answered')
    receiver.misbehave((_, response) => {
      response.writeHead(503).end()
      return true
    })
    await until(async () => {
      const { status, json } = await callTool(gateway, 'echo', { text: 'a' })
      if (status === 200) return false
      assert.equal(status, 503)
      assert.equal(json.error.data.code, 'audit.export_behind')
      return true
    }, 'a call is refused')
    const calls = upstream.count()
    assert.equal((await callTool(gateway, 'echo', { text: 'a' })).status, 503)
    assert.equal(upstream.count(), calls)
    const url = `${gateway.metricsUrl}/readyz`
    await until(async () => {
      const ready = await send(gateway, undefined, { url, method: 'GET', token: null })
      return ready.status === 503 && /exporters/.test(ready.text)
    }, 'the gateway is not ready')
    receiver.misbehave(undefined)
    await until(async () => (await callTool(gateway, 'echo', { text: 'a' })).status === 200, 'calls are answered again')
    assert(recordsOf(gateway).some((record) => 'code' in record && record.code === 'audit.export_behind'))
  })

  it('is asked for its places and for a test, by commands too', async (t) => {
    const { receiver, gateway, folder } = await scene(t, (port, ca) => hook(port, ca))
    const run = async (...args: readonly string[]) => {
      const [out, err]: [string[], string[]] = [[], []]
      const status = await runCommand(args, {
        out: (line) => out.push(line),
        err: (line) => err.push(line),
        environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml'), ...ENVIRONMENT },
        clock: { now: () => Date.now() },
        interrupted: new AbortController().signal,
      })
      return { status, out: out.join('\n'), err: err.join('\n') }
    }
    const listed = await run('export', 'status')
    assert.equal(listed.status, 0, listed.err)
    assert.match(listed.out, /hook +webhook +json/)
    const tested = await run('export', 'test', 'hook')
    assert.equal(tested.status, 0, tested.err)
    assert.match(tested.err, /took the event @gateway:0/)
    await until(
      () => recordsIn(receiver).some((record) => record.kind === 'change' && record.what === 'exporter.test'),
      'the test arrives',
    )
    receiver.misbehave((_, response) => {
      response.writeHead(418).end()
      return true
    })
    const failed = await run('export', 'test', 'hook')
    assert.equal(failed.status, 1)
    assert.match(failed.err, /did not take the event: the receiver answered 418/)
    assert.equal((await run('export', 'test', 'nobody')).status, 1)
    assert(recordsOf(gateway).some((record) => record.kind === 'change' && record.what === 'exporter.tested'))
    const user = await gateway.issue(['user'])
    const url = `${gateway.origin}/admin/v1/exporters`
    const { status, text } = await send(gateway, undefined, { url, method: 'GET', token: user })
    assert([403, 404].includes(status), `${status}`)
    assert(!text.includes('hook'))
  })
})

it('a gateway killed with records that wait sends each of them after its next start, in order', {
  timeout: 120_000,
}, async (t) => {
  const identity = await createTestIdentity()
  t.after(() => identity.remove())
  const receiver = await startHttpReceiver({ key: identity.key, cert: identity.cert })
  t.after(() => receiver.close())
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const served = await serveFrom(t, [{ name: 'one', url: upstream.url, era: 'modern' }])
  const secretFile = join(served.folder, 'hook.secret')
  writeFileSync(secretFile, ENVIRONMENT.HOOK_SECRET, { mode: 0o600 })
  const file = join(served.folder, 'portcullis.yaml')
  const webhook = {
    url: `https://127.0.0.1:${receiver.port}/records`,
    ca: identity.caFile,
    secrets: [{ file: secretFile }],
  }
  const exporters = { hook: { webhook, batch: { records: 3, waitMs: 0 } } }
  writeFileSync(file, stringify({ ...parse(readFileSync(file, 'utf8')), exporters }))
  const kill = async (child: typeof served.process) => {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  await kill(served.process)
  // Some deliveries are taken, some are cut off after they were taken, and then none is.
  receiver.misbehave(({ text }, response) => {
    if (receiver.count() % 3 !== 0) return false
    void text
    response.destroy()
    return true
  })
  for (let round = 0; round < 3; round++) {
    const { process: child, origin } = await serveAgain(t, served)
    const gateway = { ...served, origin, url: `${origin}${new URL(served.url).pathname}` }
    const calls = Array.from({ length: 20 }, (_, n) => callTool(gateway, 'echo', { text: `${round}-${n}` }))
    for (const call of calls) assert.equal((await call).status, 200)
    await kill(child)
  }
  receiver.misbehave(undefined)
  const { process: child } = await serveAgain(t, served)
  const written = () => recordsOf(served).filter(({ tenant }) => tenant === 'default')
  const sent = () => recordsIn(receiver).filter(({ tenant }) => tenant === 'default')
  await until(() => sent().some(({ seq }) => seq === written().at(-1)?.seq), 'the last record arrives')
  await kill(child)
  const records = written()
  // Duplicates are allowed, gaps and steps forward are not: each new record follows those before it.
  let highest = 0
  for (const { seq } of sent()) {
    assert(seq <= highest + 1, `${seq} came after ${highest}`)
    highest = Math.max(highest, seq)
  }
  const first = new Map(sent().map((record) => [record.seq, record]))
  assert.deepEqual(
    records.filter(({ seq }) => seq <= highest).map(({ hash }) => hash),
    records.filter(({ seq }) => seq <= highest).map(({ seq }) => first.get(seq)?.hash),
  )
  assert(records.filter(({ kind }) => kind === 'outcome').length >= 60)
})

it('what an exporter still needs is not removed, however old it is', { timeout: 60_000 }, async (t) => {
  const identity = await createTestIdentity()
  t.after(() => identity.remove())
  const receiver = await startHttpReceiver({ key: identity.key, cert: identity.cert })
  t.after(() => receiver.close())
  receiver.misbehave((_, response) => {
    response.writeHead(503).end()
    return true
  })
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-export-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const state = join(folder, 'state')
  mkdirSync(state, { mode: 0o700 })
  let now = Date.now() - 30 * 86_400_000
  const ledger = await ChainLedger.open({
    directory: join(state, 'audit'),
    signer: checkpointSigner(loadCheckpointKey(join(state, 'audit.key'))),
    clock: { now: () => now },
    rules: { ...CHAIN_RULES, maxSegmentBytes: 2_000, checkpointRecords: 4 },
    ...{ program: 'portcullis earlier', weaknesses: [], tenants: ['default'] },
  })
  for (let hour = 0; hour < 30; hour++, now += 3_600_000)
    await ledger.append('default', { kind: 'change', what: 'test.hour', by: `hour-${hour}` })
  await ledger.close()
  const options = {
    folder,
    upstreams: [],
    environment: ENVIRONMENT,
    config: {
      audit: { retention: { days: 5 }, checkpointEverySeconds: 1 },
      exporters: hook(receiver.port, identity.caFile),
    },
  }
  const gateway = await startTestGateway(options)
  const segments = () => readdirSync(join(gateway.auditFolder, 'default')).filter((name) => name.endsWith('.jsonl'))
  const before = segments()
  await until(() => receiver.count() >= 3, 'some deliveries fail')
  await sleep(2_500)
  assert.deepEqual(
    before.filter((name) => !segments().includes(name)),
    [],
  )
  receiver.misbehave(undefined)
  await until(
    () => recordsIn(receiver).some(({ kind, tenant }) => kind === 'start' && tenant === 'default'),
    'it delivers',
  )
  await gateway.close()
  // Old records are looked for at a start.
  const again = await startTestGateway(options)
  t.after(() => again.close())
  await until(() => !segments().includes(before[0] as string), 'the oldest goes')
  const hours = recordsIn(receiver).flatMap((record) =>
    record.kind === 'change' && record.what === 'test.hour' ? [record.by] : [],
  )
  assert.deepEqual(
    [...new Set(hours)],
    Array.from({ length: 30 }, (_, hour) => `hour-${hour}`),
  )
  assert(verdictsOf(again).get('default')?.sound)
})

it('standard output gets a line for each record, and a reader that stops holds up no call', {
  timeout: 60_000,
}, async (t) => {
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const served = await serveFrom(t, [{ name: 'one', url: upstream.url, era: 'modern' }])
  const file = join(served.folder, 'portcullis.yaml')
  const out = { format: 'ocsf', stdout: {}, batch: { waitMs: 0 } }
  writeFileSync(file, stringify({ ...parse(readFileSync(file, 'utf8')), exporters: { out } }))
  served.process.kill('SIGKILL')
  await new Promise((resolve) => served.process.once('exit', resolve))
  const { process: child, origin } = await serveAgain(t, served)
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const gateway = { ...served, origin, url: `${origin}${new URL(served.url).pathname}` }
  assert.equal((await callTool(gateway, 'echo', { text: 'a' })).status, 200)
  await until(() => said.includes('"outcome"'), 'the records are there')
  const events = said
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  assert(events.every(({ metadata }) => metadata.version === '1.5.0'))
  child.stdout?.pause()
  const text = 'x'.repeat(50)
  for (let n = 0; n < 100; n++) assert.equal((await callTool(gateway, 'echo', { text })).status, 200)
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
})

describe('a gateway does not start', () => {
  const REFUSED: readonly (readonly [string, object, RegExp])[] = [
    [
      'without the authority of a receiver',
      { webhook: { url: 'https://siem.example/', ca: '/nowhere/ca.pem', secrets: [{ env: 'HOOK_SECRET' }] } },
      /ca\.pem does not exist/,
    ],
    [
      'without a secret',
      { webhook: { url: 'https://siem.example/', secrets: [{ env: 'NOBODY_SETS_THIS' }] } },
      /NOBODY_SETS_THIS is not set/,
    ],
    [
      'with a secret of another form',
      { webhook: { url: 'https://siem.example/', secrets: [{ env: 'SHORT_SECRET' }] } },
      /whsec_/,
    ],
    ['without anything that signs', { webhook: { url: 'https://siem.example/' } }, /needs secrets or signingKey/],
    ['over plain http', { otlp: { url: 'http://127.0.0.1:4318/v1/logs' } }, /https/],
    [
      'over plain http to another machine',
      { otlp: { url: 'http://siem.example/', plaintext: 'loopback-only' } },
      /loopback/,
    ],
    ['with two places in one', { stdout: {}, file: { path: 'x' } }, /exactly one/],
    ['without a place', { format: 'cef' }, /exactly one/],
    ['with half an identity', { syslog: { host: 'siem.example', certificate: 'x' } }, /certificate and key/],
    ['with a folder that is not there', { file: { path: '/nowhere/at/all/records' } }, /does not exist/],
    ['with an unknown key', { stdout: {}, retries: 3 }, /unknown key/],
  ]
  for (const [what, exporter, says] of REFUSED) {
    it(what, async () => {
      const started = startTestGateway({
        upstreams: [],
        config: { exporters: { place: exporter } },
        environment: { ...ENVIRONMENT, SHORT_SECRET: 'whsec_c2hvcnQ=' },
      })
      await assert.rejects(started, (error: Error) => says.test(error.message) || assert.fail(error.message))
    })
  }
})
