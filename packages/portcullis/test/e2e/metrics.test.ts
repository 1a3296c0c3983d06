/** AU-2, SB-3: who runs the gateway sees how it fares and what its sandboxes use, on a port of its own, and no more. */
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { callTool, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/hostile-stdio.ts')
const TOKEN = 'canary-token-of-the-metrics'
const CANARY = 'canary-of-an-argument'

let gateway: TestGateway

before(async () => {
  gateway = await startTestGateway({
    upstreams: [
      { name: 'confined', command: [process.execPath, SERVER], readable: [SERVER], era: 'modern' },
      { name: 'missing', url: 'http://127.0.0.1:1/mcp', era: 'modern' },
    ],
    environment: { METRICS_TOKEN: TOKEN },
    config: { listen: { port: 0, metrics: { port: 0, token: { env: 'METRICS_TOKEN' } } } },
  })
})
after(() => gateway.close())

const bearer = { authorization: `Bearer ${TOKEN}` }
const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  send(gateway, undefined, { url: `${gateway.metricsUrl}${path}`, method, token: null, headers })
const scrape = async (): Promise<string> => (await ask('/metrics', bearer)).text

/** The value of the one series whose line matches; zero when there is none. */
async function valueOf(series: RegExp): Promise<number> {
  const found = (await scrape()).split('\n').filter((line) => series.test(line))
  assert(found.length <= 1, found.join('\n'))
  return Number(found[0]?.split(' ').at(-1) ?? 0)
}

describe('the listener of metrics', () => {
  test('serves three paths and nothing else', async () => {
    assert.equal((await ask('/healthz')).text, 'ok\n')
    assert.equal((await ask('/readyz')).status, 200)
    assert.equal((await ask('/metrics', bearer)).status, 200)
    for (const path of ['/', '/mcp', '/mcp/confined', '/admin/v1/upstreams', '/metrics/', '/metrics%2f', '//metrics']) {
      assert.equal((await ask(path, bearer)).status, 404, path)
    }
    assert.equal((await ask('/metrics', bearer, 'POST')).status, 405)
  })

  test('shows metrics to nobody without the token, or with another credential', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${gateway.token}` }]) {
      const { status, text } = await ask('/metrics', headers)
      assert.equal(status, 401)
      assert(!text.includes('portcullis_'), text)
    }
  })

  test('is not taken for another by a browser', async () => {
    const { status, text } = await ask('/metrics', { ...bearer, host: 'rebound.example' })
    assert.equal(status, 403)
    assert(!text.includes('portcullis_'), text)
    assert.equal((await ask('/metrics', { ...bearer, origin: 'https://page.example' })).status, 403)
  })

  test('speaks TLS under the local authority', async () => {
    assert.match(gateway.metricsUrl, /^https:/)
    const { port } = new URL(gateway.metricsUrl)
    const plain = new Promise((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path: '/healthz' }, resolve).on('error', reject).end()
    })
    await assert.rejects(plain)
  })

  test('leaves the paths of the main listener as they are', async () => {
    for (const path of ['/metrics', '/healthz', '/readyz']) {
      const url = `${gateway.origin}${path}`
      assert.notEqual((await send(gateway, undefined, { url, method: 'GET', token: null })).status, 200, path)
    }
  })
})

describe('metrics', () => {
  test('count calls by upstream, method, tool and outcome', async () => {
    const series =
      /^portcullis_calls_total\{upstream="confined",method="tools\/call",tool="environment".*outcome="ok"\}/
    const earlier = await valueOf(series)
    for (let n = 0; n < 3; n++) assert.equal((await callTool(gateway, 'environment')).status, 200)
    assert.equal(await valueOf(series), earlier + 3)
    const duration = 'mcp_server_operation_duration_seconds_count'
    const labels = 'upstream="confined",mcp_method_name="tools/call",gen_ai_tool_name="environment",error_type=""'
    assert.equal(await valueOf(new RegExp(`^${duration}\\{${labels}\\}`)), earlier + 3)
  })

  test('count refusals by their code', async () => {
    const missing = /^portcullis_refusals_total\{code="identity.missing"\}/
    const earlier = await valueOf(missing)
    assert.equal((await callTool(gateway, 'environment', {}, { token: null })).status, 401)
    assert.equal(await valueOf(missing), earlier + 1)
    await callTool(gateway, 'nowhere')
    assert(!(await scrape()).includes('nowhere'))
  })

  test('show what the sandboxes use, move with it, and tell how they ended', async () => {
    const of = (name: string, more = '') => new RegExp(`^portcullis_${name}\\{upstream="confined"${more}\\}`)
    await callTool(gateway, 'environment')
    const starts = await valueOf(of('sandbox_starts_total'))
    const output = await valueOf(of('sandbox_output_bytes_total'))
    assert(starts >= 1)
    const running = await valueOf(of('sandboxes'))
    assert(running >= 1)
    await callTool(gateway, 'environment')
    assert((await valueOf(of('sandbox_output_bytes_total'))) > output)
    const text = await scrape()
    for (const name of ['sandbox_cpu_seconds_total', 'sandbox_memory_bytes', 'sandbox_processes']) {
      assert.match(text, new RegExp(of(name).source, 'm'), name)
    }
    assert.match(text, /^portcullis_sandbox_egress_bytes_total\{upstream="confined",direction="sent"\} 0$/m)
    await callTool(gateway, 'die')
    await callTool(gateway, 'environment')
    assert.equal(await valueOf(of('sandbox_ends_total', ',reason="exited"')), 1)
    assert.equal(await valueOf(of('sandbox_starts_total')), starts + 1)
    assert((await valueOf(of('sandbox_output_bytes_total'))) > output)
  })

  test('show records, sessions, places, streams, upstreams and this process', async () => {
    await openSession(gateway)
    const text = await scrape()
    const series = [
      /^portcullis_audit_records_total\{kind="call"\} [1-9]/m,
      /^portcullis_audit_commit_records_count [1-9]/m,
      /^portcullis_audit_record_seconds_count [1-9]/m,
      /^portcullis_audit_lost_total 0$/m,
      /^portcullis_sessions 1$/m,
      /^portcullis_open_streams 0$/m,
      /^portcullis_concurrency_in_use 0$/m,
      /^portcullis_concurrency_queued 0$/m,
      /^portcullis_upstream_links\{upstream="confined"\} [1-9]/m,
      /^portcullis_upstream_tools\{upstream="confined"\} [1-9]/m,
      /^portcullis_upstream_failing\{upstream="confined"\} 0$/m,
      /^portcullis_upstream_failing\{upstream="missing"\} 1$/m,
      /^process_resident_memory_bytes \d/m,
      /^nodejs_eventloop_lag_p99_seconds /m,
    ]
    for (const one of series) assert.match(text, one)
  })

  test('never hold a secret, an argument or the name of a caller', async () => {
    const other = await gateway.issue(['admin'], { tenant: 'another' })
    await callTool(gateway, 'read', { path: CANARY }, { token: other })
    await callTool(gateway, CANARY, { path: CANARY })
    const text = await scrape()
    const { id } = (await gateway.recordOf(other)) as { id: string }
    for (const secret of [TOKEN, CANARY, gateway.token, other, id]) assert(!text.includes(secret), secret)
  })
})

describe('readiness', () => {
  const http = { url: 'http://127.0.0.1:1/mcp', plaintext: 'loopback-only' }
  const withMetrics = (more: object, upstream: object = {}) =>
    startTestGateway({
      upstreams: [{ name: 'missing', url: http.url }],
      config: {
        listen: { port: 0, metrics: { port: 0, ...more } },
        upstreams: { missing: { era: 'modern', http, ...upstream } },
      },
    })
  const probe = (own: TestGateway, path: string) =>
    send(own, undefined, { url: `${own.metricsUrl}${path}`, method: 'GET', token: null })

  test('does not depend on an upstream unless that is required', async () => {
    const plain = await withMetrics({})
    try {
      await callTool(plain, 'any')
      assert.equal((await probe(plain, '/readyz')).status, 200)
      assert.equal((await probe(plain, '/metrics')).status, 200)
    } finally {
      await plain.close()
    }
    const needing = await withMetrics({}, { required: true })
    try {
      await callTool(needing, 'any')
      const { status, text } = await probe(needing, '/readyz')
      assert.deepEqual([status, text], [503, 'not ready: upstreams\n'])
      assert.equal((await probe(needing, '/healthz')).status, 200)
    } finally {
      await needing.close()
    }
  })

  test('keeps no socket whose head never ends', async () => {
    const own = await withMetrics({ plaintext: 'loopback-only' })
    try {
      const { port, host } = new URL(own.metricsUrl)
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(`GET /metrics HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `)
      const trickle = setInterval(() => socket.write('a'), 1_000)
      let text = ''
      socket.on('data', (chunk) => {
        text += String(chunk)
      })
      await new Promise((resolve) => socket.once('close', resolve))
      clearInterval(trickle)
      assert(!text.includes(' 200 '), text)
    } finally {
      await own.close()
    }
  })

  test('needs neither TLS nor a token where the configuration says so', async () => {
    const own = await withMetrics({ plaintext: 'loopback-only' })
    try {
      assert.match(own.metricsUrl, /^http:/)
      const response = await fetch(`${own.metricsUrl}/metrics`)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    } finally {
      await own.close()
    }
  })
})

test('without the setting there is no such listener', async () => {
  const own = await startTestGateway({ upstreams: [{ name: 'missing', url: 'http://127.0.0.1:1/mcp' }] })
  try {
    assert.equal(own.metricsUrl, '')
  } finally {
    await own.close()
  }
})
