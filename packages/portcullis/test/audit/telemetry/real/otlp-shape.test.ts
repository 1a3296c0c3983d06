/** AU-2: what we send has the shape of what the SDK of OpenTelemetry sends, member by member. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { Histogram } from '../../../../src/audit/metrics/family.ts'
import { one } from '../../../../src/audit/metrics/reading.ts'
import { metricsRequest } from '../../../../src/audit/telemetry/otlp-metrics.ts'
import { spanJson } from '../../../../src/audit/telemetry/span.ts'

/** By path, the type of each member; elements of lists are one. */
function shapeOf(value: unknown, at = '', found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (Array.isArray(value)) for (const entry of value) shapeOf(entry, `${at}[]`, found)
  else if (typeof value === 'object' && value !== null)
    for (const [name, entry] of Object.entries(value)) shapeOf(entry, `${at}.${name}`, found)
  else found.set(at, typeof value)
  return found
}

/** 64 bits may be numbers or text in the JSON of Protocol Buffers; OTLP asks for text, and the SDK sends numbers. */
const WIDE = /\.(?:intValue|count|bucketCounts\[\])$/

function sameShape(ours: unknown, theirs: unknown): void {
  const known = shapeOf(theirs)
  for (const [path, type] of shapeOf(ours)) assert.equal(type, WIDE.test(path) ? 'string' : known.get(path), path)
}

// oxlint-disable-next-line typescript/no-explicit-any -- what came is asserted
const bodies = new Map<string, any>()
const server = createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  bodies.set(String(request.url), JSON.parse(text))
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
})
let url = ''
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)]

describe('beside the SDK of OpenTelemetry', { timeout: 30_000 }, () => {
  it('a span has the same shape', async () => {
    const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` })
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] })
    const tracer = provider.getTracer('portcullis', '1')
    const attributes = { text: 'x', whole: 3, yes: true, part: 1.5 }
    const links = [{ context: { traceId, spanId, traceFlags: 1 } }]
    const span = tracer.startSpan('tools/call echo', { kind: SpanKind.SERVER, attributes, links })
    span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
    await provider.shutdown()
    const theirs = bodies.get('/v1/traces').resourceSpans[0].scopeSpans[0].spans[0]
    const place = { traceId, spanId, parentId: '', state: '', startMs: 1, endMs: 2 }
    const link = { traceId, spanId, sampled: true, state: '' }
    const made = spanJson({ ...place, name: 'tools/call echo', kind: 2, attributes, failed: true, link }, 1e12)
    const ours = JSON.parse(made)
    sameShape(ours, theirs)
    assert.deepEqual([ours.kind, ours.status, ours.flags], [theirs.kind, theirs.status, theirs.flags])
    assert.equal(ours.startTimeUnixNano, '1000000000001000000')
    assert.equal(ours.startTimeUnixNano.length, theirs.startTimeUnixNano.length)
  })

  it('counters, gauges and histograms have the same shape', async () => {
    const exporter = new OTLPMetricExporter({ url: `${url}/v1/metrics` })
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 100_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const meter = provider.getMeter('portcullis', '1')
    meter.createCounter('a', { description: 'A', unit: 's' }).add(1, { upstream: 'x' })
    meter.createHistogram('b').record(0.3)
    meter.createGauge('c').record(2)
    await provider.forceFlush()
    await provider.shutdown()
    const histogram = new Histogram([1, 2])
    histogram.observe(1.5)
    const readings = [
      { name: 'a_total', help: 'A', type: 'counter', values: [{ labels: { upstream: 'x' }, value: 1 }] } as const,
      one('b', 'B', 'histogram', histogram),
      one('c', 'C', 'gauge', 2),
    ]
    const resource = { name: 'x', version: '1', instance: 'i', host: 'h', attributes: {} }
    const { body } = metricsRequest(readings, resource, { tenant: () => undefined }, { startMs: 1, nowMs: 2 })
    sameShape(JSON.parse(body), bodies.get('/v1/metrics'))
    const theirs = bodies.get('/v1/metrics').resourceMetrics[0].scopeMetrics[0].metrics
    const ours = JSON.parse(body).resourceMetrics[0].scopeMetrics[0].metrics
    for (const [at, kind] of (['sum', 'histogram', 'gauge'] as const).entries()) {
      assert.ok(ours[at][kind] && theirs[at][kind], kind)
      assert.equal(ours[at][kind].aggregationTemporality, theirs[at][kind].aggregationTemporality)
    }
  })
})
