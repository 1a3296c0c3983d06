// What a run leaves behind: RESULTS.md to read, results.json to compute with, cpu-per-call.svg to look at.
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { drawBars } from './bars.mjs'
import { judge, plays } from './goals.mjs'
import { BENCH } from './places.mjs'
import { median } from './statistics.mjs'

const KILOBYTE = 1_024
const MEGABYTE = 1_048_576

/** One row for each target and number of callers: medians over the rounds. */
export function summarize(targets, samples, callers) {
  const rows = []
  for (const { name, roles, restBytes, warmedWith } of targets) {
    for (const count of callers) {
      const own = samples.filter((sample) => sample.name === name && sample.callers === count)
      if (own.length === 0) continue
      const middle = (field) => median(own.map((sample) => sample[field]))
      const fields = ['cpuPerCall', 'wakingCpuPerCall', 'requestsPerSecond', 'p50', 'p99', 'residentBytes', 'foreign']
      const figures = Object.fromEntries(fields.map((field) => [field, middle(field)]))
      const failures = own.reduce((total, sample) => total + sample.failures, 0)
      rows.push({ name, roles, callers: count, samples: own.length, ...figures, failures, restBytes, warmedWith })
    }
  }
  return rows
}

/** Writes all files and answers the goals. */
export function writeReport({ options, targets, samples, coldStarts, idleStreams, startedAt }) {
  const rows = summarize(targets, samples, options.callers)
  const goals = judge({ rows, coldStarts, idleStreams })
  const failed = targets.filter((target) => target.failed !== undefined)
  const parts = [
    '# Bench results\n',
    'Written by `npm run bench`; the method is in [README.md](README.md). Compare rows of one run only.\n',
    machine(options, startedAt),
    goalTable(goals),
    ...options.callers.map((count) => loadTable(rows, count)),
    '![CPU microseconds a call](cpu-per-call.svg)\n',
    failed.map(({ name, failed: why }) => `Not measured: ${name} (${why}).\n`).join('\n'),
    coldTable(coldStarts),
    idleTable(idleStreams),
  ]
  writeFileSync(join(BENCH, 'RESULTS.md'), parts.filter((part) => part !== '').join('\n'))
  writeFileSync(join(BENCH, 'cpu-per-call.svg'), drawBars(rows, options.callers))
  const everything = { startedAt, options, goals, rows, coldStarts, idleStreams, samples }
  writeFileSync(join(BENCH, 'results.json'), `${JSON.stringify(everything, null, 1)}\n`)
  return goals
}

function machine(options, startedAt) {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memory = Math.round(totalmem() / MEGABYTE / KILOBYTE)
  const note = options.quick
    ? '\n**A quick run: it shows that the bench works, its figures are not to be quoted.**\n'
    : ''
  return `${startedAt}; Node ${process.version}; ${availableParallelism()} × ${processor}, ${memory} GB.
${options.rounds} round(s) of ${options.seconds} s in shuffled order, medians; at least ${options.warmup} requests of warm-up to each target.
${note}`
}

function goalTable(goals) {
  const lines = goals.map(({ title, wanted, value, unit, met }) => {
    const shown = value === undefined ? 'not measured' : `${round(value)}${unit}`
    return `| ${title} | ${wanted} | ${shown} | ${met === undefined ? '–' : met ? 'yes' : '**no**'} |`
  })
  return `## Goals\n\n| goal | wanted | measured | met |\n|---|---|---|---|\n${lines.join('\n')}\n`
}

function loadTable(rows, count) {
  const own = rows.filter((row) => row.callers === count)
  const bare = own.find(plays('bare'))?.cpuPerCall
  const lines = [...own]
    .sort((a, b) => a.cpuPerCall - b.cpuPerCall)
    .map((row) => {
      const against = bare === undefined ? '–' : (row.cpuPerCall / bare).toFixed(2)
      const costs = [row.cpuPerCall.toFixed(0), against, row.wakingCpuPerCall.toFixed(0)]
      const cells = [row.name, ...costs, row.requestsPerSecond.toFixed(0)]
      const latency = [row.p50, row.p99].map((microseconds) => (microseconds / 1_000).toFixed(1))
      const memory = [row.restBytes, row.residentBytes].map((bytes) => ((bytes ?? 0) / MEGABYTE).toFixed(0))
      return `| ${[...cells, ...latency, ...memory, `${(100 * row.foreign).toFixed(0)} %`, row.failures].join(' | ')} |`
    })
  return `## ${count} callers, 1 KB echo

| target | CPU µs/call | × bare | after a rest | req/s | p50 ms | p99 ms | MB at rest | MB loaded | others' CPU | failures |
|---|---|---|---|---|---|---|---|---|---|---|
${lines.join('\n')}
`
}

function coldTable(coldStarts) {
  if (coldStarts.length === 0) return ''
  const lines = coldStarts.map(({ name, milliseconds }) => `| ${name} | ${milliseconds.toFixed(0)} |`)
  return `## Cold start: from the command to the first answered call\n\n| program | ms |\n|---|---|\n${lines.join('\n')}\n`
}

function idleTable(idleStreams) {
  if (idleStreams.length === 0) return ''
  const lines = idleStreams.map(({ name, protocol, streams, bytesPerStream, failed }) => {
    const cost = bytesPerStream === undefined ? failed : (bytesPerStream / KILOBYTE).toFixed(1)
    return `| ${name} | ${protocol === 'http2' ? 'HTTP/2, 100 a connection' : 'HTTP/1.1, a connection each'} | ${streams} | ${cost} |`
  })
  return `## Idle event streams over TLS\n\n| server | protocol | streams | KB a stream |\n|---|---|---|---|\n${lines.join('\n')}\n`
}

function round(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}
