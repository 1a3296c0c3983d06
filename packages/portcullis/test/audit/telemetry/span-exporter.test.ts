/** AU-2: a collector that hangs, refuses or is away costs bounded memory, is counted, and is told once a period. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type { Delivered } from '../../../src/audit/telemetry/delivery.ts'
import { TelemetryHealth, type TellLoss } from '../../../src/audit/telemetry/health.ts'
import { MetricExporter } from '../../../src/audit/telemetry/metric-exporter.ts'
import { Outbox } from '../../../src/audit/telemetry/outbox.ts'
import type { Span } from '../../../src/audit/telemetry/span.ts'
import { SpanExporter } from '../../../src/audit/telemetry/span-exporter.ts'
import { one } from '../../../src/audit/metrics/reading.ts'

const RESOURCE = { name: 'test', version: '1', instance: 'i', host: 'h', attributes: {} }
const SPAN: Span = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentId: '',
  state: '',
  name: 'tools/call echo',
  kind: 2,
  startMs: 1,
  endMs: 2,
  attributes: {},
  failed: false,
}

function scene(send: (body: string) => Promise<Delivered>, maxSpans = 10) {
  const told: Parameters<TellLoss>[0][] = []
  let now = 0
  const health = new TelemetryHealth(
    (facts) => told.push(facts),
    () => now,
  )
  const delivery = { send, end: () => undefined, close: async () => undefined }
  const shared = { delivery, health, resource: RESOURCE, clock: { now: () => 1_000_000 }, closeMs: 20 }
  const outbox = new Outbox(maxSpans, 1_000_000)
  const exporter = new SpanExporter({ ...shared, outbox, batch: 4, waitMs: 5 })
  const lost = () => health.readings[1]?.values.map(({ labels, value }) => [labels['reason'], value])
  return { exporter, outbox, told, lost, shared, later: (ms: number) => (now += ms) }
}

describe('spans on their way to a collector', () => {
  it('are lost, counted and told once a minute while it hangs', async () => {
    const { exporter, outbox, told, lost, later } = scene(() => new Promise(() => undefined))
    for (let each = 0; each < 100; each++) exporter.add(SPAN)
    // Four are being sent, ten wait.
    assert.equal(outbox.size, 10)
    assert.deepEqual(lost(), [['full', 86]])
    assert.deepEqual(told, [{ signal: 'traces', lost: 1, reason: 'full' }])
    later(60_000)
    exporter.add(SPAN)
    assert.deepEqual(told.at(-1), { signal: 'traces', lost: 86, reason: 'full' })
    await exporter.close()
    assert.equal(outbox.size, 0)
  })

  it('go together after a pause, each once, in one request', async () => {
    const bodies: string[] = []
    const { exporter } = scene(async (body) => (bodies.push(body), { ok: true, rejected: 0 }))
    for (let each = 0; each < 3; each++) exporter.add(SPAN)
    assert.equal(bodies.length, 0)
    await sleep(30)
    const [{ resource, scopeSpans }] = JSON.parse(bodies[0] as string).resourceSpans
    assert.deepEqual(resource.attributes[0], { key: 'service.name', value: { stringValue: 'test' } })
    assert.equal(scopeSpans[0].spans.length, 3)
    assert.equal(bodies.length, 1)
    await exporter.close()
  })

  it('that a collector refuses are not sent again', async () => {
    for (const done of [
      { ok: false, refused: true, error: new Error('no') },
      { ok: true, rejected: 4 },
    ] as const) {
      let sent = 0
      const { exporter, lost } = scene(async () => (sent++, done))
      for (let each = 0; each < 4; each++) exporter.add(SPAN)
      await sleep(10)
      assert.equal(sent, 1)
      assert.deepEqual(lost(), [['refused', 4]])
      await exporter.close()
    }
  })

  it('are sent when the gateway ends, and lost after that', async () => {
    const bodies: string[] = []
    const { exporter, lost } = scene(async (body) => (bodies.push(body), { ok: true, rejected: 0 }))
    exporter.add(SPAN)
    await exporter.close()
    assert.equal(bodies.length, 1)
    exporter.add(SPAN)
    assert.deepEqual(lost(), [['full', 1]])
  })

  it('have a bound in length too', () => {
    const outbox = new Outbox(100, 10)
    assert.deepEqual(
      ['12345', '12345', '1'].map((item) => outbox.add(item)),
      [true, true, false],
    )
    assert.deepEqual(outbox.take(1), ['12345'])
    assert(outbox.add('1'))
  })
})

describe('metrics on their way to a collector', () => {
  it('are one request at a time, whatever the collector does', async () => {
    let sent = 0
    const { shared } = scene(() => (sent++, new Promise(() => undefined)))
    const read = async () => [one('portcullis_sessions', 'Sessions.', 'gauge', 1)]
    const exporter = new MetricExporter({ ...shared, read, words: { tenant: () => undefined }, everyMs: 2 })
    await sleep(30)
    assert.equal(sent, 1)
    await exporter.close()
  })
})
