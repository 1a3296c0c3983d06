// What we want to be true of the sandbox, as data, and whether it is. Medians; a goal whose rows are absent is not judged.
import { plays } from '../lib/goals.mjs'
import { SIZES } from './round-trips.mjs'

const COLD_RATIO = 2.5
const WARM_MS = 10
const TRIP_RATIO = 1.2
const IDLE_MB = 1
const MEGABYTE = 1_048_576

export function judge({ launches, memory, trips }) {
  const start = (role) => launches.find(plays(role))?.median
  const idle = memory.find(plays('ours'))
  const cost = idle && (idle.aloneBytes + Math.max(0, idle.grownBytes)) / MEGABYTE
  return [
    atMost('Cold start without network against plain bwrap', ratio(start('ours'), start('bwrap')), COLD_RATIO, '×'),
    atMost(
      'First call of a waiting process, beyond a bare running one',
      difference(start('ours-warm'), start('running')),
      WARM_MS,
      ' ms',
    ),
    ...SIZES.flatMap(({ label }) => ['cpu', 'latency'].map((field) => trip(trips, label, field))),
    atMost('Idle cost of a server, helpers and the gateway’s share', cost, IDLE_MB, ' MB'),
  ]
}

function trip(trips, size, field) {
  const of = (role) => trips.find((row) => plays(role)(row) && row.size === size)?.[field].median
  const title = `Round trip of ${size} against bare, ${field === 'cpu' ? 'processor time' : 'latency'}`
  return atMost(title, ratio(of('ours'), of('bare')), TRIP_RATIO, '×')
}

const ratio = (value, base) => (value === undefined || base === undefined ? undefined : value / base)
const difference = (value, base) => (value === undefined || base === undefined ? undefined : value - base)

function atMost(title, value, limit, unit) {
  return { title, wanted: `≤ ${limit}${unit}`, value, unit, met: value === undefined ? undefined : value <= limit }
}
