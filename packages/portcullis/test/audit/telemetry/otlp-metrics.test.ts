/** AU-2: a collector gets the numbers that a scrape shows, under the names of the conventions, and without names of tenants. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Histogram } from '../../../src/audit/metrics/family.ts'
import type { Reading } from '../../../src/audit/metrics/reading.ts'
import { UpstreamMetrics } from '../../../src/audit/metrics/upstream-metrics.ts'
import { metricsRequest } from '../../../src/audit/telemetry/otlp-metrics.ts'

const RESOURCE = { name: 'test', version: '1', instance: 'i', host: 'h', attributes: { zone: 'a' } }
const told = (readings: readonly Reading[], tenant: (name: string) => string | undefined = () => undefined) => {
  const { body, points } = metricsRequest(readings, RESOURCE, { tenant }, { startMs: 1_000, nowMs: 2_000.5 })
  return { points, metrics: JSON.parse(body).resourceMetrics[0].scopeMetrics[0].metrics }
}
interface Told {
  readonly name: string
  readonly unit: string
  readonly histogram: {
    readonly dataPoints: readonly {
      readonly attributes: readonly { readonly key: string }[]
      readonly count: string
      readonly bucketCounts: readonly string[]
      readonly explicitBounds: readonly number[]
    }[]
  }
}
const calls = (...values: readonly (readonly [string, number])[]): Reading => ({
  name: 'portcullis_calls_total',
  help: 'Calls.',
  type: 'counter',
  values: values.map(([tenant, value]) => ({ labels: { tenant, upstream: 'files', error_type: '' }, value })),
})

describe('readings as metrics of OTLP', () => {
  it('count tenants together unless they are told', () => {
    const [{ sum }] = told([calls(['acme', 2], ['initech', 3])]).metrics
    assert.deepEqual(sum, {
      dataPoints: [
        {
          attributes: [{ key: 'portcullis.upstream', value: { stringValue: 'files' } }],
          startTimeUnixNano: '1000000000',
          timeUnixNano: '2000500000',
          asDouble: 5,
        },
      ],
      aggregationTemporality: 2,
      isMonotonic: true,
    })
    assert.equal(told([calls(['acme', 2], ['initech', 3])], (name) => name).points, 2)
  })

  it('have the names and units of the conventions', () => {
    const metrics = new UpstreamMetrics()
    metrics.requested({ upstream: 'files', method: 'tools/call', tool: 'read', errorType: 'tool_error', seconds: 0.03 })
    metrics.linkEnded('files', 'pipe', 3)
    metrics.sessionEnded(4)
    const found = told(metrics.readings).metrics as readonly Told[]
    assert.deepEqual(
      found.map(({ name, unit }) => `${name} ${unit}`),
      ['mcp.client.operation.duration s', 'mcp.client.session.duration s', 'mcp.server.session.duration s'],
    )
    const point = found[0]?.histogram.dataPoints[0]
    assert.ok(point)
    assert.deepEqual(
      point.attributes.map(({ key }) => key),
      ['portcullis.upstream', 'mcp.method.name', 'gen_ai.tool.name', 'error.type'],
    )
    assert.equal(point.count, '1')
    assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1)
    assert.equal(point.bucketCounts[point.explicitBounds.indexOf(0.05)], '1')
  })

  it('add histograms of tenants that are counted together', () => {
    const of = (value: number) => {
      const histogram = new Histogram([1, 2])
      histogram.observe(value)
      return histogram
    }
    const values = [
      ['a', 0.5],
      ['b', 5],
    ].map(([tenant, value]) => ({ labels: { tenant: String(tenant) }, value: of(Number(value)) }))
    const [{ histogram }] = told([{ name: 'portcullis_x_seconds', help: '', type: 'histogram', values }]).metrics
    assert.deepEqual(histogram.dataPoints[0].bucketCounts, ['1', '0', '1'])
    assert.equal(histogram.dataPoints[0].sum, 5.5)
    assert.deepEqual(
      values.map(({ value }) => [...value.counts]),
      [
        [1, 0, 0],
        [0, 0, 1],
      ],
    )
  })
})
