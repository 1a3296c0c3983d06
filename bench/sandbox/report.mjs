// What a run of the sandbox's suite leaves behind: SANDBOX.md to read, sandbox.json to compute with.
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { plays } from '../lib/goals.mjs'
import { BENCH } from '../lib/places.mjs'
import { judge } from './goals.mjs'
import { SIZES } from './round-trips.mjs'

const KILOBYTE = 1_024
const GIGABYTE = 1_073_741_824

/** Writes both files and answers the goals. */
export function writeReport({ options, ways, launches, memory, trips, startedAt }) {
  const goals = judge({ launches, memory, trips })
  const failed = ways.filter((way) => way.failed !== undefined)
  const parts = [
    '# Bench of the sandbox\n',
    'Written by `npm run bench -- sandbox`; the method is in [README.md](README.md#the-sandbox). Compare rows of one run only.\n',
    machine(options, startedAt),
    table(['goal', 'wanted', 'measured', 'met'], goals.map(goalCells)),
    '## From the wish to the first answer\n',
    table(['way', 'median ms', 'least ms', '× plain bwrap', '× bare'], launchRows(launches)),
    '## A line there and back\n',
    table(['way', 'line', 'CPU µs', '× bare', 'least', 'latency µs', '× bare', 'least'], tripRows(trips)),
    '## An idle server, beyond itself\n',
    table(['way', 'helpers', 'helpers’ PSS KB', 'each of ten KB', 'starter grows KB'], memory.map(memoryCells)),
    ...failed.map(({ name, failed: why }) => `Not measured: ${name} (${why.replaceAll('\n', ' ')}).\n`),
  ]
  writeFileSync(join(BENCH, 'SANDBOX.md'), parts.join('\n'))
  const absent = failed.map(({ name, failed: why }) => ({ name, failed: why }))
  const everything = { startedAt, options, goals, launches, trips, memory, absent }
  writeFileSync(join(BENCH, 'sandbox.json'), `${JSON.stringify(everything, rounded, 1)}\n`)
  return goals
}

function machine({ launches, rounds, quick }, startedAt) {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor'
  const account = process.getuid() === 0 ? 'as root' : 'without root'
  const load = loadavg()[1].toFixed(1)
  const note = quick ? '\n**A quick run: it shows that the bench works, its figures are not to be quoted.**\n' : ''
  return `${startedAt}; Node ${process.version}, Linux ${release()}, ${account}; ${availableParallelism()} × ${processor}, ${Math.round(totalmem() / GIGABYTE)} GB.
${launches} launches of each way and ${rounds} rounds of round trips, in shuffled order; load of the machine over five minutes: ${load}.
${note}`
}

function goalCells({ title, wanted, value, unit, met }) {
  const shown = value === undefined ? 'not measured' : `${value.toFixed(2)}${unit}`
  return [title, wanted, shown, met === undefined ? '–' : met ? 'yes' : '**no**']
}

function launchRows(launches) {
  const against = (row, role) => ratio(row.median, launches.find(plays(role))?.median)
  return [...launches]
    .sort((one, other) => one.median - other.median)
    .map((row) => [
      row.name,
      ...[row.median, row.minimum].map((ms) => ms.toFixed(1)),
      against(row, 'bwrap'),
      against(row, 'bare'),
    ])
}

function tripRows(trips) {
  return SIZES.flatMap(({ label }) => {
    const own = trips.filter(({ size }) => size === label)
    const bare = own.find(plays('bare'))
    const cells = (row, field) => [
      row[field].median.toFixed(0),
      ratio(row[field].median, bare?.[field].median),
      row[field].minimum.toFixed(0),
    ]
    return own.map((row) => [row.name, label, ...cells(row, 'cpu'), ...cells(row, 'latency')])
  })
}

function memoryCells({ name, helpers, aloneBytes, eachBytes, grownBytes }) {
  return [name, helpers, ...[aloneBytes, eachBytes, grownBytes].map((bytes) => (bytes / KILOBYTE).toFixed(0))]
}

const ratio = (value, base) => (base === undefined ? '–' : (value / base).toFixed(2))

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}

const rounded = (_key, value) => (typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value)
