/** PR-1, TR-3, AU-1: where the gateway listens, writes and logs, and what lists and sessions are told, is as it is configured. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { runCommand } from '../../src/cli/main.ts'
import type { Weakness } from '../../src/config/weakness.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, callTool, openSession, send } from '../fixtures/client.ts'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { freePort } from '../fixtures/free-port.ts'
import { startTestGateway, type TestGatewayOptions } from '../fixtures/gateway.ts'
import { serveFrom } from '../fixtures/served.ts'

let upstream: CountingUpstream
before(async () => {
  upstream = await startCounting([ECHO, { name: 'other' }])
})
after(() => upstream.close())

async function started(t: TestContext, config: object, more: Partial<TestGatewayOptions> = {}) {
  const upstreams = ['one', 'two'].map((name) => ({ name, url: upstream.url }))
  const gateway = await startTestGateway({ upstreams, config: { ...config }, ...more })
  t.after(() => gateway.close())
  return gateway
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-places-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Whether somebody listens there. */
const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

describe('each listener', { timeout: 60_000 }, () => {
  it('is at the address and the port that are said, and nowhere else', async (t) => {
    const [main, metrics, revocation] = [await freePort(), await freePort(), await freePort()]
    const at = (port: number) => ({ host: '127.0.0.2', port })
    await started(t, {
      listen: {
        ...at(main),
        metrics: { ...at(metrics), plaintext: 'loopback-only' },
        revocation: { ...at(revocation), plaintext: 'loopback-only' },
      },
    })
    for (const port of [main, metrics, revocation])
      assert.deepEqual([await answers('127.0.0.2', port), await answers('127.0.0.1', port)], [true, false], `${port}`)
  })

  it('of metrics is called by the names that are said', async (t) => {
    const plain = { port: 0, plaintext: 'loopback-only' }
    const open = await started(t, { listen: { port: 0, metrics: { ...plain, allowedHosts: ['watch.example'] } } })
    const shut = await started(t, { listen: { port: 0, metrics: plain } })
    const called = async ({ metricsUrl }: typeof open) => {
      const { hostname, port } = new URL(metricsUrl)
      const { promise, resolve } = Promise.withResolvers<string>()
      const socket = connect({ host: hostname, port: Number(port) })
      let text = ''
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      socket.on('close', () => resolve(text)).on('error', () => {})
      socket.write('GET /healthz HTTP/1.1\r\nhost: watch.example\r\nconnection: close\r\n\r\n')
      return /^HTTP\/1\.1 (\d+)/.exec(await promise)?.[1]
    }
    assert.equal(await called(open), '200')
    assert.notEqual(await called(shut), '200')
  })

  it('of revocations is named in certificates by its public address', async (t) => {
    const gateway = await started(t, {
      listen: {
        port: 0,
        tls: { authority: 'local', names: ['gate.example'] },
        revocation: { port: 0, plaintext: 'loopback-only', url: 'http://pki.house.example' },
      },
    })
    const { port } = new URL(gateway.origin)
    const raw = await new Promise<Buffer>((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: Number(port), ca: readFileSync(gateway.caFile) })
      socket.once('secureConnect', () => resolve(socket.getPeerCertificate(true).raw)).once('error', reject)
      socket.once('secureConnect', () => socket.destroy())
    })
    const shown = new X509Certificate(raw)
    assert.ok(raw.includes('http://pki.house.example'))
    assert.match(String(shown.subjectAltName), /gate\.example/)
  })
})

describe('the log of operations', { timeout: 60_000 }, () => {
  it('is in the file that is said, from the level on that is said', async (t) => {
    const folder = scratch(t)
    const log = async (name: string, level: string) => {
      const file = join(folder, name)
      const audit = { log: { level, file }, folder: join(folder, `${name}-chains`) }
      const served = await serveFrom(t, [{ name: 'one', url: upstream.url }], () => [], { audit })
      await callTool(served, 'echo', { text: 'x' })
      served.process.kill('SIGTERM')
      await new Promise((resolve) => served.process.once('exit', resolve))
      assert.ok(existsSync(join(folder, `${name}-chains`)), 'the chains are where they were told to be')
      return readFileSync(file, 'utf8')
    }
    assert.match(await log('usual', 'info'), /"info"/)
    assert.doesNotMatch(await log('quiet', 'error'), /"(?:info|warn)"/)
  })
})

describe('what gives up a guarantee', { timeout: 60_000 }, () => {
  it('is in the log and on record at the start, and told by validation and by doctor', async (t) => {
    const folder = scratch(t)
    const file = join(folder, 'log')
    const audit = { log: { level: 'warn', file }, durability: 'eventual' }
    const weak = { store: { kind: 'memory' }, anomalies: { watch: 'off' }, inspection: { mode: 'shadow' } }
    const served = await serveFrom(t, [{ name: 'one', url: upstream.url }], () => [], { audit, ...weak })
    const configFile = join(served.folder, 'portcullis.yaml')
    const said = async (...args: readonly string[]) => {
      const lines: string[] = []
      await runCommand([...args, '--config', configFile], {
        out: (line) => lines.push(line),
        err: () => {},
        environment: {},
        clock: { now: () => Date.now() },
        interrupted: new AbortController().signal,
      })
      return lines.join('\n')
    }
    const told = JSON.parse(await said('config', 'validate', '--json')).weaknesses as readonly Weakness[]
    const paths = told.map(({ path }) => path)
    for (const path of ['audit.durability', 'store.kind', 'anomalies.watch', 'inspection.mode', 'upstreams.one.trust'])
      assert.ok(paths.includes(path), path)
    const start = recordsOf(served).findLast((record) => record.kind === 'start')
    assert.ok(start?.kind === 'start')
    assert.deepEqual(
      start.weaknesses,
      told.map(({ path, word }) => `${path}: ${word}`),
    )
    const doctor = await said('doctor')
    const logged = readFileSync(file, 'utf8')
    for (const { path, word, meaning } of told) {
      assert.ok(doctor.includes(`${path}: ${meaning}`), path)
      const line = logged.split('\n').find((one) => one.includes(`"${path}"`)) ?? ''
      assert.ok(line.includes(word) && line.includes(meaning), path)
    }
  })
})

describe('sessions of the 2025 revisions', { timeout: 60_000 }, () => {
  it('are as many as are said for one principal', async (t) => {
    const gateway = await started(t, { limits: { sessions: { perPrincipal: 2 } } })
    const isOpen = async (headers: Readonly<Record<string, string>>) =>
      (await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { headers })).status
    const hello = () =>
      send(gateway, {
        ...{ jsonrpc: '2.0', id: 0, method: 'initialize' },
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
      })
    const first = await openSession(gateway)
    await openSession(gateway)
    const third = await hello()
    assert.ok(third.status >= 400 || (await isOpen(first)) === 404, 'the third finds no place, or takes one')
  })

  it('end when nothing was asked for so long', async (t) => {
    let shiftMs = 0
    const clock = { now: () => Date.now() + shiftMs }
    const statuses: number[] = []
    for (const sessions of [{ idleSeconds: 10 }, {}]) {
      shiftMs = 0
      const gateway = await started(t, { limits: { sessions } }, { clock })
      const headers = await openSession(gateway)
      shiftMs = 60_000
      // After the leap of the clock nobody is let in until the revocations have been read once more.
      let status = 503
      while (status === 503) {
        status = (await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { headers })).status
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      statuses.push(status)
    }
    assert.deepEqual(statuses, [404, 200])
  })
})

describe('entries of lists', { timeout: 60_000 }, () => {
  const later = (ms: number) => new Date(Date.now() + ms).toISOString()

  it('concern the tenant that they name, until they end, and their reason is on record', async (t) => {
    const tool = { kind: 'tool', value: 'one__echo' }
    const gateway = await started(t, {
      tenants: { default: { upstreams: ['one'] }, acme: { upstreams: ['one'] } },
      traffic: {
        lists: {
          blocked: [
            { ...tool, tenant: 'acme', reason: 'acme-has-not-paid' },
            { kind: 'tool', value: 'one__other', until: later(-60_000) },
          ],
        },
      },
    })
    const acme = await gateway.issue(['admin'], { tenant: 'acme' })
    assert.equal((await callTool(gateway, 'echo', {})).status, 200)
    assert.equal((await callTool(gateway, 'echo', {}, { token: acme })).status, 403)
    assert.equal((await callTool(gateway, 'other', {}, { token: acme })).status, 200, 'its time is over')
    assert.ok(JSON.stringify(recordsOf(gateway)).includes('acme-has-not-paid'))
  })

  it('serve only whom they name, in the tenant that they name, until they end', async (t) => {
    const only = { kind: 'tool', value: 'one__echo', tenant: 'acme', reason: 'only-the-echo' }
    const gateway = await started(t, {
      tenants: { default: { upstreams: ['one'] }, acme: { upstreams: ['one'] } },
      traffic: {
        lists: { allowed: [only, { kind: 'tool', value: 'one__other', tenant: 'acme', until: later(-60_000) }] },
      },
    })
    const acme = await gateway.issue(['admin'], { tenant: 'acme' })
    assert.equal((await callTool(gateway, 'echo', {}, { token: acme })).status, 200)
    assert.equal((await callTool(gateway, 'other', {}, { token: acme })).status, 403)
    assert.equal((await callTool(gateway, 'other', {})).status, 200, 'another tenant is not concerned')
  })

  it('of files are read in the form, with the kind, the reason and the effect that are said', async (t) => {
    const folder = scratch(t)
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const files = [
      { file: write('lines', 'one__other\n'), kind: 'tool', reason: 'listed-as-a-line' },
      { file: write('table.csv', 'value,kind\ntwo__other,tool\n'), format: 'csv' },
      { file: write('objects', '{"kind":"tool","value":"two__echo"}\n'), format: 'json-lines' },
    ]
    const gateway = await started(t, { traffic: { lists: { files } } })
    const statusOf = async (name: string, tool: string) =>
      (await callTool(gateway, tool, {}, { url: gateway.endpoint(name) })).status
    assert.deepEqual(
      [await statusOf('one', 'other'), await statusOf('two', 'other'), await statusOf('two', 'echo')],
      [403, 403, 403],
    )
    assert.equal(await statusOf('one', 'echo'), 200)
    assert.ok(JSON.stringify(recordsOf(gateway)).includes('listed-as-a-line'))
    const allowed = [{ file: join(folder, 'lines'), kind: 'tool', effect: 'allow' }]
    const closed = await started(t, { traffic: { lists: { files: allowed } } })
    assert.equal((await callTool(closed, 'other', {})).status, 200)
    assert.equal((await callTool(closed, 'echo', {})).status, 403)
  })
})

describe('addresses', { timeout: 60_000 }, () => {
  it('that are blocked get nothing, and others nothing where some are allowed', async (t) => {
    for (const traffic of [{ blocked: ['127.0.0.1'] }, { allowed: ['192.0.2.0/24'] }]) {
      const gateway = await started(t, { traffic })
      assert.equal((await ask(gateway, 'tools/list')).status, 403, JSON.stringify(traffic))
    }
  })
})
