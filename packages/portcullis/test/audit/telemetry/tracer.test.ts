/** AU-2: whose trace a call joins, what its upstream is told, and what a span says and does not say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Sampler, type SamplingRules } from '../../../src/audit/telemetry/sampling.ts'
import type { Span } from '../../../src/audit/telemetry/span.ts'
import { timedCheck, timedFilter } from '../../../src/audit/telemetry/timed-stage.ts'
import { traceOf, type Traced } from '../../../src/audit/telemetry/traced.ts'
import { Tracer, withContext } from '../../../src/audit/telemetry/tracer.ts'
import type { Answer } from '../../../src/core/exchange.ts'
import { Fault } from '../../../src/core/fault.ts'
import type { Params } from '../../../src/mcp/message.ts'

const INNER = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const OUTER = `00-${'3'.repeat(32)}-${'4'.repeat(16)}-00`
const RULES: SamplingRules = { ratio: 1, perSecond: 1_000, callers: 'limited', callersPerSecond: 5 }
const OK = { status: 200, message: { jsonrpc: '2.0', id: 1, result: {} } } as unknown as Answer

function scene(rules: Partial<SamplingRules> = {}, baggage: readonly string[] = []) {
  const spans: Span[] = []
  const tracer = new Tracer({
    sampler: new Sampler({ ...RULES, ...rules }),
    emit: (span) => spans.push(span),
    identity: { principal: () => undefined, tenant: () => undefined },
    baggage: new Set(baggage),
  })
  return { tracer, spans }
}

function exchangeOf(
  meta: Params | undefined,
  headers: Readonly<Record<string, string>> = {},
  repeated?: readonly string[],
) {
  const params = { name: 'echo', ...(meta && { _meta: meta }) }
  return {
    incident: 'i1',
    head: { method: 'POST', path: '/mcp', query: '', headers, ...(repeated && { repeated }) },
    peer: { address: '192.0.2.1', encrypted: true },
    principal: { id: 'key:canary', tenant: 'canary-tenant', roles: [], credential: { kind: 'api-key', id: 'canary' } },
    tool: { upstream: 'files', name: 'echo' },
    call: { kind: 'request', method: 'tools/call', era: 'modern', version: '2026-07-28', params, message: { id: 7 } },
  } as unknown as Traced & Required<Pick<Traced, 'call'>>
}

function run(parts: ReturnType<typeof scene>, exchange: ReturnType<typeof exchangeOf>, answer: Answer = OK) {
  parts.tracer.begin(exchange)
  parts.tracer.join(exchange)
  const client = parts.tracer.beginClient('i1')
  const sent = withContext(exchange.call.params, client, true)['_meta'] as Params
  parts.tracer.end(exchange, answer)
  assert.equal(parts.tracer.size, 0)
  return { sent, server: parts.spans.find(({ kind }) => kind === 2), client }
}

describe('the trace of a call', () => {
  it('is that of `_meta`, and the span of the header is linked', () => {
    const { server, sent, client } = run(
      scene(),
      exchangeOf({ traceparent: INNER, tracestate: 'v=1' }, { traceparent: OUTER }),
    )
    assert.equal(server?.traceId, '1'.repeat(32))
    assert.equal(server?.parentId, '2'.repeat(16))
    assert.equal(server?.state, 'v=1')
    assert.equal(server?.link?.spanId, '4'.repeat(16))
    assert.deepEqual(sent, { traceparent: `00-${'1'.repeat(32)}-${client?.spanId}-01`, tracestate: 'v=1' })
  })

  it('is that of the header where `_meta` has none', () => {
    const { server } = run(scene(), exchangeOf(undefined, { traceparent: OUTER }))
    assert.equal(server?.parentId, '4'.repeat(16))
    assert.equal(server?.link, undefined)
  })

  it('is our own where what was sent is none, or came twice', () => {
    for (const exchange of [
      exchangeOf({ traceparent: `${INNER}-x` }),
      exchangeOf({ traceparent: [INNER] }),
      exchangeOf(undefined, { traceparent: OUTER }, ['traceparent']),
      exchangeOf(undefined),
    ]) {
      const { server } = run(scene(), exchange)
      assert.equal(server?.parentId, '')
      assert.match(server?.traceId ?? '', /^(?!1{32}|3{32})[0-9a-f]{32}$/)
    }
  })

  it('is linked only where callers are ignored', () => {
    const { server, sent } = run(scene({ callers: 'ignored' }), exchangeOf({ traceparent: INNER, tracestate: 'v=1' }))
    assert.equal(server?.parentId, '')
    assert.equal(server?.link?.traceId, '1'.repeat(32))
    assert.notEqual(server?.traceId, '1'.repeat(32))
    assert.deepEqual(Object.keys(sent), ['traceparent'])
  })

  it('goes on, unsampled, where nothing is recorded', () => {
    const parts = scene({ ratio: 0, callersPerSecond: 0 })
    const { sent } = run(parts, exchangeOf({ traceparent: INNER }))
    assert.match(String(sent['traceparent']), /^00-1{32}-[0-9a-f]{16}-00$/)
    assert.deepEqual(parts.spans, [])
  })

  it('is not joined by whoever was refused before it was known who it is', () => {
    const { tracer, spans } = scene()
    const exchange = exchangeOf({ traceparent: INNER }, { traceparent: INNER })
    tracer.begin(exchange)
    tracer.end(exchange, { status: 401 })
    assert.notEqual(spans.at(-1)?.traceId, '1'.repeat(32))
  })
})

describe('what an upstream is told', () => {
  const span = (exchange = exchangeOf({ traceparent: INNER, baggage: 'a=1,b=2' }), baggage: readonly string[] = []) => {
    const { tracer } = scene({}, baggage)
    tracer.begin(exchange)
    tracer.join(exchange)
    return { params: exchange.call.params, client: tracer.beginClient('i1') }
  }

  it('has none of the baggage that is not listed', () => {
    const without = span()
    assert.deepEqual(Object.keys(withContext(without.params, without.client, true)['_meta'] as object), ['traceparent'])
    const listed = span(undefined, ['b'])
    assert.equal((withContext(listed.params, listed.client, true)['_meta'] as Params)['baggage'], 'b=2')
  })

  it('has nothing of the caller where nobody knows the call any more', () => {
    const { params } = span()
    assert.deepEqual(withContext(params, undefined, true), { name: 'echo', _meta: {} })
  })

  it('is not more than it was where an upstream may not know it, and leaves what was sent as it was', () => {
    const { params, client } = span(exchangeOf({ progressToken: 1 }))
    assert.equal(withContext(params, client, false), params)
    assert.deepEqual(params['_meta'], { progressToken: 1 })
    assert.equal((withContext(params, client, true)['_meta'] as Params)['progressToken'], 1)
  })
})

describe('what a span says', () => {
  it('is the words of the conventions, and nothing of who called unless that was asked', () => {
    const { server } = run(scene(), exchangeOf(undefined))
    assert.equal(server?.name, 'tools/call echo')
    assert.deepEqual(
      Object.fromEntries(Object.entries(server?.attributes ?? {}).filter(([, value]) => value !== undefined)),
      {
        'mcp.method.name': 'tools/call',
        'mcp.protocol.version': '2026-07-28',
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'echo',
        'jsonrpc.request.id': '7',
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'network.transport': 'tcp',
        'network.protocol.name': 'http',
        'portcullis.incident': 'i1',
        'portcullis.tls': true,
        'portcullis.credential': 'api-key',
      },
    )
    assert.ok(!JSON.stringify(server).includes('canary'))
  })

  for (const [what, answer, type] of [
    [
      'a tool that failed',
      { status: 200, message: { jsonrpc: '2.0', id: 1, result: { isError: true } } },
      'tool_error',
    ],
    ['an error', { status: 200, message: { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'x' } } }, '-32602'],
    ['a broken page', { status: 500 }, '500'],
  ] as const)
    it(`is ${type} for ${what}`, () => {
      const { server } = run(scene(), exchangeOf(undefined), answer)
      assert.equal(server?.attributes['error.type'], type)
      assert.equal(server?.failed, true)
    })
})

describe('a stage that tells how long it took', () => {
  const refusing = {
    name: 'policy.authorize',
    check: () => {
      throw new Fault('policy.denied', { why: 'canary' })
    },
  }
  const telling = { traceOf, always: true }

  it('decides what it decided, and tells the code of a refusal only', async () => {
    const { tracer, spans } = scene()
    const exchange = exchangeOf(undefined)
    tracer.begin(exchange)
    tracer.join(exchange)
    assert.throws(() => timedCheck(refusing, telling).check(exchange), { code: 'policy.denied' })
    const later = {
      name: 'inspection.later',
      check: async () => {
        throw new Error('canary')
      },
    }
    await assert.rejects(async () => timedCheck(later, telling).check(exchange), /canary/)
    assert.deepEqual(timedCheck({ name: 'a.fact', check: () => ({ fact: 1 }) }, telling).check(exchange), { fact: 1 })
    const message = { jsonrpc: '2.0', id: 1 } as const
    assert.equal(timedFilter({ name: 'a.filter', filter: (one) => one }, telling).filter(message, exchange), message)
    tracer.end(exchange, OK)
    const told = spans.filter(({ kind }) => kind === 1).map(({ name, attributes }) => [name, attributes['error.type']])
    assert.deepEqual(told, [
      ['policy.authorize', 'policy.denied'],
      ['inspection.later', 'internal'],
      ['a.fact', undefined],
      ['a.filter', undefined],
    ])
    assert.ok(!JSON.stringify(spans).includes('canary'))
  })

  it('is called as it is where nothing is recorded', () => {
    const { tracer } = scene({ ratio: 0, callersPerSecond: 0 })
    const exchange = exchangeOf(undefined)
    tracer.begin(exchange)
    tracer.join(exchange)
    assert.throws(() => timedCheck(refusing, telling).check(exchange), { code: 'policy.denied' })
    assert.equal(traceOf(exchange)?.stages, undefined)
  })

  it('of a long stream is told so often and no more', () => {
    const { tracer, spans } = scene()
    const exchange = exchangeOf(undefined)
    tracer.begin(exchange)
    tracer.join(exchange)
    const filter = timedFilter({ name: 'a.filter', filter: (one) => one }, telling)
    for (let each = 0; each < 1_000; each++) filter.filter({ jsonrpc: '2.0' }, exchange)
    tracer.end(exchange, OK)
    assert.equal(spans.length, 65)
    assert.equal(spans.at(-1)?.attributes['portcullis.stages.untold'], 936)
  })
})
