// What we want to be true, as data, and whether it is. Ratios compare geometric means over all numbers of callers.
import { geometricMean } from './statistics.mjs'

/** CPU ratios between roles; of several rows with the role `against`, the cheapest counts. */
const CPU_RATIOS = [
  { title: 'CPU a call against the bare Node TLS proxy', of: 'portcullis', against: 'bare', most: 1.6, moonshot: 1.25 },
  { title: 'CPU a call against the best npm bridge', of: 'portcullis', against: 'bridge', most: 0.4, moonshot: 0.33 },
  {
    title: 'CPU a call, stdio upstream against HTTP upstream',
    of: 'portcullis-stdio',
    against: 'portcullis',
    most: 1.3,
  },
  { title: 'CPU a call, 1,000 tools against 10', of: 'tools-1000', against: 'tools-10', most: 1.1 },
  { title: 'CPU a call, 1,000 principals against one', of: 'principals-1000', against: 'principals-1', most: 1.1 },
]

const MEGABYTE = 1_048_576
const COLD_START_MS = 1_000
const REST_BYTES = 120 * MEGABYTE
const IDLE_RATIO = 1.15
const DURABLE_SHARE = 0.8

/** Every goal with its figure, where it was measured, and whether it is met. */
export function judge({ rows, coldStarts, idleStreams }) {
  const figure = (role, field) => ofRole(rows, role, field)
  const cold = coldStarts.find(plays('portcullis'))
  const rest = rows.find(plays('portcullis'))?.restBytes
  const idle = (role) => idleStreams.find(plays(role))?.bytesPerStream
  return [
    ...CPU_RATIOS.map(({ title, of, against, most, moonshot }) =>
      atMost(title, ratio(figure(of, 'cpuPerCall'), figure(against, 'cpuPerCall')), most, '×', moonshot),
    ),
    atMost('Cold start', cold?.milliseconds, COLD_START_MS, ' ms'),
    atMost('Resident at rest', rest === undefined ? undefined : rest / MEGABYTE, REST_BYTES / MEGABYTE, ' MB'),
    atMost('Idle stream against a bare Node one', ratio(idle('portcullis-idle'), idle('bare-idle')), IDLE_RATIO, '×'),
    atMost(
      'Idle stream on HTTP/2 against a bare Node one',
      ratio(idle('portcullis-idle-http2'), idle('bare-idle-http2')),
      IDLE_RATIO,
      '×',
    ),
    atLeast(
      'Throughput, durable audit against not durable',
      ratio(figure('durable', 'requestsPerSecond'), figure('not-durable', 'requestsPerSecond')),
      DURABLE_SHARE,
    ),
  ]
}

/** The geometric mean over callers of the cheapest row of that role. */
function ofRole(rows, role, field) {
  const names = new Set(rows.filter(plays(role)).map(({ name }) => name))
  const means = [...names].map((name) =>
    geometricMean(rows.filter((row) => row.name === name).map((row) => row[field])),
  )
  return means.length === 0 ? undefined : Math.min(...means)
}

/** Whether a row has that role. */
export function plays(role) {
  return ({ roles }) => roles?.includes(role) ?? false
}

function ratio(value, base) {
  return value === undefined || base === undefined ? undefined : value / base
}

function atMost(title, value, limit, unit, moonshot) {
  const wanted = `≤ ${limit}${unit}${moonshot === undefined ? '' : ` (moonshot ≤ ${moonshot}${unit})`}`
  return { title, wanted, value, unit, met: value === undefined ? undefined : value <= limit }
}

function atLeast(title, value, limit) {
  return { title, wanted: `≥ ${limit}×`, value, unit: '×', met: value === undefined ? undefined : value >= limit }
}
