/** AU-2: traces and metrics of calls reach a collector, joined to the caller's trace and handed to the upstream; no call waits for it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ConfigError } from '../../src/config/problem.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { recordsOfIncident } from '../fixtures/audit.ts'
import { callTool, modern, openSession, type Reply, send } from '../fixtures/client.ts'
import { type CollectedSpan, type Collector, startCollector } from '../fixtures/collector.ts'
import { type CountedTool, type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const INNER = `00-${TRACE}-${PARENT}-01`
const OUTER = `00-${'5'.repeat(32)}-${'6'.repeat(16)}-01`

const FAILING: CountedTool = { ...ECHO, name: 'fail', run: () => ({ content: [], isError: true }) }
const LOGIN: CountedTool = {
  name: 'login',
  inputSchema: {
    type: 'object',
    properties: { name: { type: 'string' }, pin: { type: 'string', format: 'password' }, birthday: { type: 'string' } },
  },
}

interface Scene {
  readonly gateway: TestGateway
  readonly collector: Collector
  readonly upstream: CountingUpstream
  /** Calls a tool with what a client says of its trace. */
  call(
    tool: string,
    args?: object,
    meta?: object,
    headers?: Readonly<Record<string, string>>,
    token?: string,
  ): Promise<Reply>
  /** The span of the call that its answer belongs to, once it has come. */
  server(matches: (span: CollectedSpan) => boolean): Promise<CollectedSpan>
}

async function scene(t: TestContext, telemetry: object, more: { readonly metrics?: boolean } = {}): Promise<Scene> {
  const [collector, upstream] = [await startCollector(), await startCounting([ECHO, FAILING, LOGIN])]
  t.after(() => collector.close())
  t.after(() => upstream.close())
  const gateway = await startTestGateway({
    upstreams: [{ name: 'files', url: upstream.url }],
    config: {
      telemetry: { endpoint: collector.url, plaintext: 'loopback-only', ...telemetry },
      ...(more.metrics === true && { listen: { port: 0, metrics: { port: 0, plaintext: 'loopback-only' } } }),
    },
  })
  t.after(() => gateway.close())
  const server: Scene['server'] = (matches) =>
    collector.until(() => collector.spans().find((span) => span.kind === 2 && matches(span)))
  const call: Scene['call'] = async (tool, args = { text: 'x' }, meta = {}, headers = {}, token) => {
    const { body, headers: usual } = modern('tools/call', { name: tool, arguments: args })
    const { params, ...rest } = body as { params: { _meta: object } }
    const sent = { ...rest, params: { ...params, _meta: { ...params._meta, ...meta } } }
    return send(gateway, sent, { headers: { ...usual, ...headers }, ...(token !== undefined && { token }) })
  }
  return { gateway, collector, upstream, call, server }
}

const toolCall = (span: CollectedSpan) => span.name === 'tools/call echo'
const childrenOf = (collector: Collector, parent: CollectedSpan) =>
  collector.spans().filter(({ parentSpanId }) => parentSpanId === parent.spanId)

describe('a trace of a call', { timeout: 60_000 }, () => {
  it('joins that of the caller, covers the stages, and goes on to the upstream', async (t) => {
    const { gateway, collector, upstream, call, server } = await scene(t, { traces: {} })
    const meta = { traceparent: INNER, tracestate: 'vendor=1', baggage: 'user=canary-of-baggage' }
    assert.equal((await call('echo', { text: 'canary-of-an-argument' }, meta, { traceparent: OUTER })).status, 200)
    const span = await server(toolCall)
    assert.deepEqual([span.traceId, span.parentSpanId, span.traceState], [TRACE, PARENT, 'vendor=1'])
    assert.deepEqual(
      span.links?.map(({ spanId }) => spanId),
      ['6'.repeat(16)],
    )
    const { 'portcullis.incident': incident, ...attributes } = span.attributes
    assert.deepEqual(attributes, {
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2026-07-28',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'echo',
      'jsonrpc.request.id': '1',
      'http.request.method': 'POST',
      'http.response.status_code': '200',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
      'portcullis.upstream': 'files',
      'portcullis.route': 'upstream',
      'portcullis.tls': true,
      'portcullis.credential': 'api-key',
    })
    assert.deepEqual(
      recordsOfIncident(gateway, String(incident)).map(({ kind }) => kind),
      ['call', 'outcome'],
    )
    const children = childrenOf(collector, span)
    const names = children.map(({ name }) => name)
    for (const name of ['identity.authenticate', 'policy.authorize', 'inspection.check-arguments'])
      assert.ok(names.includes(name), `${name} in ${names.join(', ')}`)
    for (const name of ['inspection.inspect-arguments', 'inspection.inspect-results', 'audit.commit'])
      assert.ok(names.includes(name), `${name} in ${names.join(', ')}`)
    const client = children.find(({ kind }) => kind === 3)
    assert.equal(client?.name, 'tools/call echo')
    assert.equal(client?.attributes['network.transport'], 'tcp')
    for (const child of children) {
      assert.equal(child.traceId, TRACE)
      assert.ok(BigInt(child.startTimeUnixNano) >= BigInt(span.startTimeUnixNano), child.name)
      assert.ok(BigInt(child.endTimeUnixNano) <= BigInt(span.endTimeUnixNano), child.name)
    }
    const sent = upstream.seen.find(({ message }) => message.method === 'tools/call')?.message.params._meta
    assert.equal(sent.traceparent, `00-${TRACE}-${client?.spanId}-01`)
    assert.equal(sent.tracestate, 'vendor=1')
    assert.equal(sent.baggage, undefined)
    assert.ok(!collector.requests.some(({ text }) => text.includes('canary')), 'no argument, no baggage')
  })

  it('says that a call was refused or failed, and by what', async (t) => {
    const { gateway, collector, upstream, call, server } = await scene(t, { traces: {} })
    await call('fail')
    const failed = await server(({ name }) => name === 'tools/call fail')
    assert.deepEqual([failed.attributes['error.type'], failed.status.code], ['tool_error', 2])
    const earlier = upstream.count()
    const stranger = await gateway.issue(['user'])
    await call('echo', {}, { traceparent: INNER }, {}, stranger)
    const denied = await server(({ attributes }) => String(attributes['error.type']).startsWith('policy.'))
    assert.equal(denied.traceId, TRACE)
    await call('echo', {}, { traceparent: INNER }, { traceparent: INNER }, 'no-such-token')
    const unknown = await server(({ attributes }) => String(attributes['error.type']).startsWith('identity.'))
    assert.notEqual(unknown.traceId, TRACE, 'nobody joins a trace before it is known who it is')
    assert.equal(unknown.name, 'POST')
    assert.equal(upstream.count(), earlier)
    assert.ok(!JSON.stringify(collector.spans()).includes('no-such-token'))
  })

  it('is there for sessions of the 2025 revisions too', async (t) => {
    const { gateway, server } = await scene(t, { traces: {} })
    const headers = await openSession(gateway)
    const params = { name: 'echo', arguments: { text: 'x' }, _meta: { traceparent: INNER } }
    await send(gateway, { jsonrpc: '2.0', id: 9, method: 'tools/call', params }, { headers })
    const span = await server(toolCall)
    assert.deepEqual([span.traceId, span.attributes['mcp.protocol.version']], [TRACE, '2025-11-25'])
    assert.equal(JSON.stringify(span).includes(String(headers['mcp-session-id'])), false, 'a session id is no label')
  })

  it('says who called only as it is asked to', async (t) => {
    for (const [word, pattern] of [
      ['hashed', /^[\w-]{16}$/],
      ['named', /^key:/],
    ] as const) {
      const { call, server, gateway } = await scene(t, { principals: word, tenants: word, traces: {} })
      await call('echo')
      const { attributes } = await server(toolCall)
      assert.match(String(attributes['user.id']), pattern)
      const id = String((await gateway.recordOf(gateway.token))?.principal)
      assert.equal(attributes['user.id'] === id, word === 'named')
      assert.equal(attributes['portcullis.tenant'] === 'default', word === 'named')
    }
  })

  it('carries arguments and results of the tools that are named for it, without what is a secret', async (t) => {
    const content = { arguments: ['files/login'], results: ['files/*'], maxCharacters: 200 }
    const { call, server } = await scene(t, { traces: { content } })
    await call('login', { name: 'ada', pin: 'canary-of-a-password', birthday: 'canary 1815' })
    const { attributes } = await server(({ name }) => name === 'tools/call login')
    assert.deepEqual(JSON.parse(String(attributes['gen_ai.tool.call.arguments'])), {
      name: 'ada',
      pin: '[secret removed]',
      birthday: '•••••• ••••',
    })
    await call('echo', { text: `Bearer canary-of-a-token ${'x'.repeat(500)}` })
    const echoed = (await server(toolCall)).attributes
    assert.equal(echoed['gen_ai.tool.call.arguments'], undefined)
    const result = String(echoed['gen_ai.tool.call.result'])
    assert.equal(result.length, 200)
    assert.ok(result.includes('[redacted]') && !result.includes('canary'))
  })

  it('hands on the baggage that is listed', async (t) => {
    const { upstream, call } = await scene(t, { traces: { baggage: ['tier'], sampling: { ratio: 0 } } })
    await call('echo', {}, { traceparent: INNER.replace(/1$/, '0'), baggage: 'tier=gold,user=ada' })
    const meta = upstream.seen.find(({ message }) => message.method === 'tools/call')?.message.params._meta
    assert.equal(meta.baggage, 'tier=gold')
    assert.match(meta.traceparent, new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-00$`))
  })
})

describe('who decides what is traced', { timeout: 60_000 }, () => {
  it('is not the caller, beyond what it may add', async (t) => {
    const { collector, call, server } = await scene(t, { traces: { sampling: { ratio: 0, callersPerSecond: 2 } } })
    const startedAt = Date.now()
    for (let each = 0; each < 40; each++) await call('echo', {}, { traceparent: INNER })
    const seconds = (Date.now() - startedAt) / 1_000
    await server(toolCall)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    const count = collector
      .spans()
      .filter(toolCall)
      .filter(({ kind }) => kind === 2).length
    assert.ok(count >= 2 && count <= 2 + Math.ceil(seconds * 2), `${count} in ${seconds} s`)
  })

  it('is the caller where it is trusted, and nobody joins where callers are ignored', async (t) => {
    const trusted = await scene(t, { traces: { sampling: { callers: 'trusted' } } })
    await trusted.call('echo', {}, { traceparent: INNER.replace(/1$/, '0') })
    await trusted.call('fail', {}, { traceparent: INNER })
    await trusted.server(({ name }) => name === 'tools/call fail')
    assert.ok(!trusted.collector.spans().some(toolCall))
    const ignored = await scene(t, { traces: { sampling: { callers: 'ignored' } } })
    await ignored.call('echo', {}, { traceparent: INNER })
    const span = await ignored.server(toolCall)
    assert.notEqual(span.traceId, TRACE)
    assert.equal(span.links?.[0]?.traceId, TRACE)
  })
})

describe('the log of the gateway', { timeout: 60_000 }, () => {
  it('reaches the collector from the level on that is asked for, and a hanging collector holds up nothing', async (t) => {
    const collector = await startCollector()
    t.after(() => collector.close())
    const gateway = await startTestGateway({
      upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
      config: { telemetry: { endpoint: collector.url, plaintext: 'loopback-only', logs: { level: 'warn' } } },
    })
    t.after(() => gateway.close())
    const records = await collector.until(() => {
      const all = collector.requests.flatMap(({ path, text }) => (path === '/v1/logs' ? logRecordsOf(text) : []))
      return all.length > 0 && all
    })
    for (const { severityText, scope, body, timeUnixNano } of records) {
      assert.match(severityText, /^(?:WARN|ERROR)$/)
      assert.equal(scope, 'portcullis.log')
      assert.ok(
        gateway.logged.some((line) => line.includes(body)),
        body,
      )
      assert.ok(Math.abs(Number(timeUnixNano) / 1e6 - Date.now()) < 60_000)
    }
    assert.ok(
      gateway.logged.some((line) => line.includes('"info"')),
      'less is logged',
    )
    collector.misbehave(() => true)
    assert.ok((await callTool(gateway, 'echo', {}, { url: gateway.endpoint('away') })).status > 0)
  })
})

interface LogRecordJson {
  readonly severityText: string
  readonly timeUnixNano: string
  readonly body: { readonly stringValue: string }
}

const logRecordsOf = (text: string) => {
  const { resourceLogs } = JSON.parse(text) as {
    readonly resourceLogs: readonly [
      {
        readonly scopeLogs: readonly {
          readonly scope: { readonly name: string }
          readonly logRecords: readonly LogRecordJson[]
        }[]
      },
    ]
  }
  return resourceLogs[0].scopeLogs.flatMap(({ scope, logRecords }) =>
    logRecords.map(({ body, ...one }) => ({ ...one, scope: scope.name, body: body.stringValue })),
  )
}

describe('a collector that does not answer', { timeout: 60_000 }, () => {
  it('holds up no call, costs bounded memory, and is told of once', async (t) => {
    const { gateway, collector, call } = await scene(
      t,
      { deadlineSeconds: 1, traces: { queue: { spans: 64 }, sampling: { perSecond: 100_000 } } },
      { metrics: true },
    )
    let hanging = 0
    collector.misbehave(() => ++hanging > 0)
    for (let each = 0; each < 60; each++) assert.equal((await call('echo')).status, 200)
    assert.ok(hanging > 0, 'it hangs')
    const { text } = await scrape(gateway)
    assert.match(text, /^portcullis_telemetry_lost_total\{signal="traces",reason="full"\} [1-9]/m)
    const told = gateway.logged.filter((line) => line.includes('telemetry is lost'))
    assert.equal(told.length, 1)
    const closedAt = Date.now()
    await gateway.close()
    assert.ok(Date.now() - closedAt < 9_000, 'nor does it hold up the end')
  })
})

const scrape = async (gateway: TestGateway): Promise<{ readonly text: string }> => {
  const answer = await fetch(`${gateway.metricsUrl}/metrics`)
  return { text: await answer.text() }
}

describe('metrics', { timeout: 60_000 }, () => {
  it('are those of a scrape under the names of the conventions, without tenants', async (t) => {
    const { gateway, collector, call } = await scene(t, { metrics: { everySeconds: 1 } }, { metrics: true })
    for (let each = 0; each < 3; each++) await call('echo')
    await call('fail')
    const errors = await collector.until(() => {
      const points = collector.points('mcp.server.operation.duration')
      return points.some(({ attributes }) => attributes['error.type'] === 'tool_error') && points
    })
    const echo = errors.find(({ attributes }) => attributes['gen_ai.tool.name'] === 'echo')
    assert.deepEqual([echo?.value, echo?.attributes['mcp.method.name']], [3, 'tools/call'])
    const [upstream] = collector
      .points('mcp.client.operation.duration')
      .filter(({ attributes }) => attributes['gen_ai.tool.name'] === 'echo')
    assert.equal(upstream?.value, 3)
    const calls = collector.points('portcullis.calls')
    assert.ok(calls.length > 0 && calls.every(({ attributes }) => attributes['portcullis.tenant'] === undefined))
    const { text } = await scrape(gateway)
    assert.match(text, /^mcp_client_operation_duration_seconds_count\{[^}]*gen_ai_tool_name="echo"[^}]*\} 3$/m)
  })

  it('tell how long sessions lasted', async (t) => {
    const { gateway, collector } = await scene(t, { metrics: { everySeconds: 1 } })
    const headers = await openSession(gateway)
    await send(gateway, undefined, { method: 'DELETE', headers })
    assert.ok(
      await collector.until(() => collector.points('mcp.server.session.duration').some(({ value }) => value === 1)),
    )
  })
})

describe('the way to a collector', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-telemetry-'))
  const start = (telemetry: object, environment: Readonly<Record<string, string>> = {}) =>
    startTestGateway({ upstreams: [], environment, config: { telemetry } })

  it('is TLS under the authority that is named, with the certificate and the header that are asked for', async (t) => {
    const identity = await createTestIdentity()
    t.after(() => identity.remove())
    const keyFile = join(folder, 'client.key')
    const certFile = join(folder, 'client.crt')
    writeFileSync(keyFile, identity.key, { mode: 0o600 })
    writeFileSync(certFile, identity.cert)
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const collector = await startCollector({ ...identity, requestCert: true, rejectUnauthorized: false })
    t.after(() => collector.close())
    const headers = { authorization: { env: 'COLLECTOR_TOKEN' } }
    const trust = { ca: identity.caFile, certificate: certFile, key: keyFile }
    const environment = { COLLECTOR_TOKEN: 'Bearer canary-of-the-collector' }
    const gateway = await start({ endpoint: collector.url, ...trust, headers, traces: {} }, environment)
    t.after(() => gateway.close())
    await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/mcp` })
    const request = await collector.until(() => collector.requests.at(-1))
    assert.equal(request.headers.authorization, 'Bearer canary-of-the-collector')
    assert.ok(!gateway.logged.join('').includes('canary-of-the-collector'))
  })

  it('is not taken to a stranger under the same address', async (t) => {
    const [identity, other] = [await createTestIdentity(), await createTestIdentity()]
    t.after(() => (identity.remove(), other.remove()))
    const collector = await startCollector({ key: other.key, cert: other.cert })
    t.after(() => collector.close())
    const gateway = await start({ endpoint: collector.url, ca: identity.caFile, traces: {} })
    await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/mcp` })
    await gateway.close()
    assert.deepEqual(collector.requests, [])
    assert.ok(gateway.logged.some((line) => line.includes('telemetry is lost')))
  })

  it('can be that of the environment, with its header and its names', async (t) => {
    const collector = await startCollector()
    t.after(() => collector.close())
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-environment,x-other=1',
      OTEL_SERVICE_NAME: 'gateway-of-the-house',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    }
    const gateway = await start({ plaintext: 'loopback-only', traces: {} }, environment)
    t.after(() => gateway.close())
    await callTool(gateway, 'echo', {}, { url: `${gateway.origin}/mcp` })
    const { headers, text } = await collector.until(() => collector.requests.at(-1))
    assert.equal(headers.authorization, 'Bearer of-the-environment')
    assert.ok(text.includes('gateway-of-the-house') && text.includes('deployment.environment.name'))
  })

  for (const [what, telemetry, environment] of [
    ['no collector at all', { traces: {} }, {}],
    ['http without its word', { endpoint: 'http://127.0.0.1:1', traces: {} }, {}],
    ['http to another machine', { endpoint: 'http://192.0.2.1:1', plaintext: 'loopback-only' }, {}],
    ['http in the environment without its word', { traces: {} }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
    ['no URL in the environment', { traces: {} }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }],
    ['a credential in the URL', { endpoint: 'https://a:b@collector' }, {}],
    ['a query in the URL', { endpoint: 'https://collector?key=1' }, {}],
    [
      'a header without its secret',
      { endpoint: 'https://c', headers: { authorization: { env: 'NOBODY_SETS_IT' } } },
      {},
    ],
    ['a certificate without a key', { endpoint: 'https://c', certificate: '/etc/hostname' }, {}],
    ['an authority that is not there', { endpoint: 'https://c', ca: '/nowhere/ca.pem' }, {}],
    ['a ratio above 1', { endpoint: 'https://c', traces: { sampling: { ratio: 1.1 } } }, {}],
    [
      'content of an upstream that is not there',
      { endpoint: 'https://c', traces: { content: { results: ['x/y'] } } },
      {},
    ],
    ['a word that is none', { endpoint: 'https://c', principals: 'shown' }, {}],
    ['a key that is none', { endpoint: 'https://c', protocol: 'grpc' }, {}],
  ] as const)
    it(`keeps the gateway from starting: ${what}`, async () => {
      await assert.rejects(start(telemetry, environment), ConfigError)
    })
})
