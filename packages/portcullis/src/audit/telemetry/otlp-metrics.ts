/** Readings to metrics of OTLP: the same numbers as for Prometheus, under the names of the MCP conventions where there are some. */
import { Histogram, type Labels } from '../metrics/family.ts'
import type { Reading } from '../metrics/reading.ts'
import { otlpAttributes } from './otlp-value.ts'
import { type Resource, resourceJson } from './resource.ts'
import { nanos } from './span.ts'

export interface MetricsWords {
  /** How a tenant is told; undefined where tenants are counted together. */
  readonly tenant: (tenant: string) => string | undefined
}

interface Moment {
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number
  readonly nowMs: number
}

/** Labels that the conventions know; all others are ours. */
const CONVENTIONAL: ReadonlyMap<string, string> = new Map([
  ['mcp_method_name', 'mcp.method.name'],
  ['gen_ai_tool_name', 'gen_ai.tool.name'],
  ['error_type', 'error.type'],
  ['network_transport', 'network.transport'],
])
const UNITS: ReadonlyMap<string, string> = new Map([
  ['_seconds', 's'],
  ['_bytes', 'By'],
])
const CUMULATIVE = 2

/** The body of `ExportMetricsServiceRequest`, and how many data points are in it. */
export function metricsRequest(
  readings: readonly Reading[],
  resource: Resource,
  words: MetricsWords,
  moment: Moment,
): { readonly body: string; readonly points: number } {
  let points = 0
  const metrics = readings.flatMap((reading) => {
    const found = pointsOf(reading, words, moment)
    points += found.length
    return found.length === 0 ? [] : [JSON.stringify(metricOf(reading, found))]
  })
  const scope = JSON.stringify({ name: 'portcullis', version: resource.version })
  const about = resourceJson(resource)
  const body = `{"resourceMetrics":[{"resource":${about},"scopeMetrics":[{"scope":${scope},"metrics":[${metrics.join(',')}]}]}]}`
  return { body, points }
}

function metricOf({ name, help, type }: Reading, dataPoints: readonly object[]): object {
  const about = { ...namesOf(name), description: help }
  if (type === 'gauge') return { ...about, gauge: { dataPoints } }
  if (type === 'histogram') return { ...about, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } }
  return { ...about, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true } }
}

/** `mcp_server_operation_duration_seconds` is `mcp.server.operation.duration` in `s`; a receiver for Prometheus makes the one of the other. */
function namesOf(name: string): { readonly name: string; readonly unit: string } {
  const counted = name.replace(/_total$/, '')
  const [suffix = '', unit = ''] = [...UNITS].find(([ending]) => counted.endsWith(ending)) ?? []
  const bare = counted.slice(0, counted.length - suffix.length)
  return { name: bare.startsWith('mcp_') ? bare.replaceAll('_', '.') : bare.replace('_', '.'), unit }
}

interface Point {
  readonly attributes: Readonly<Record<string, string>>
  value: number | Histogram
}

/** Points that differ in nothing that is told are one. */
function pointsOf({ type, values }: Reading, words: MetricsWords, { startMs, nowMs }: Moment): readonly object[] {
  const points = new Map<string, Point>()
  for (const { labels, value } of values) {
    const attributes = attributesOf(labels, words)
    const key = JSON.stringify(attributes)
    const known = points.get(key)
    if (known === undefined) points.set(key, { attributes, value })
    else known.value = added(known.value, value)
  }
  const times = { startTimeUnixNano: nanos(startMs), timeUnixNano: nanos(nowMs) }
  return [...points.values()].map((point) => {
    const attributes = otlpAttributes(point.attributes)
    if (point.value instanceof Histogram) return { attributes, ...times, ...bucketsOf(point.value) }
    return { attributes, ...(type === 'gauge' ? { timeUnixNano: times.timeUnixNano } : times), asDouble: point.value }
  })
}

function attributesOf(labels: Labels, words: MetricsWords): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {}
  for (const label in labels) {
    const said = labels[label] as string
    const value = label === 'tenant' && said !== '' ? words.tenant(said) : said
    if (value !== undefined && value !== '') attributes[CONVENTIONAL.get(label) ?? `portcullis.${label}`] = value
  }
  return attributes
}

function bucketsOf({ bounds, counts, sum }: Histogram): object {
  const count = counts.reduce((total, each) => total + each, 0)
  return { count: String(count), sum, bucketCounts: [...counts].map(String), explicitBounds: bounds }
}

function added(a: Point['value'], b: Point['value']): Point['value'] {
  if (!(a instanceof Histogram) || !(b instanceof Histogram)) return Number(a) + Number(b)
  const both = new Histogram(a.bounds)
  both.sum = a.sum + b.sum
  for (let at = 0; at < both.counts.length; at++) both.counts[at] = (a.counts[at] ?? 0) + (b.counts[at] ?? 0)
  return both
}
