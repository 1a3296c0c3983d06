/**
 * What it costs to watch how callers behave: `npm run bench -- anomalies [principals] [calls] [--json]`.
 *
 * One process, one thread, no gateway around it: the processor time of `Watch.observe` (principal, tenant and tool, learned and scored),
 * that of the lookups in front of a call, resident memory for each number of principals, and the snapshot. Calls come from all
 * principals in turn, so the processor's caches help as little as they do in a busy gateway. Beside it, the same loop without
 * the watch, which is taken off.
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Memory } from '../packages/portcullis/src/anomalies/memory.ts'
import { decode, encode } from '../packages/portcullis/src/anomalies/snapshot.ts'
import { Watch } from '../packages/portcullis/src/anomalies/watch.ts'

const [, , first, ...rest] = process.argv
const isNumber = (word) => word !== undefined && /^\d+$/.test(word)
const numbers = (first === 'anomalies' ? rest : [first, ...rest]).filter(isNumber).map(Number)
const [most = 100_000, calls = 1_000_000] = numbers
const GOAL = { microseconds: 10, megabytes: 200 }
const rules = {
  levels: { low: 25, medium: 50, high: 75, critical: 90 },
  answers: { low: 'note', medium: 'alert', high: 'alert', critical: 'alert' },
  learning: { days: 3, calls: 5 },
  deniedPerMinute: 30,
  failedSignInsPerMinute: 30,
  holdMs: 900_000,
  repeatMs: 600_000,
}

const residentMb = () => {
  globalThis.gc?.()
  return process.memoryUsage().rss / 1_048_576
}

function measure(principals) {
  const before = residentMb()
  const memory = new Memory({ principals: most, tools: 20_000 }, 7)
  let now = Date.UTC(2026, 0, 5)
  let alerts = 0
  const watch = new Watch({
    ...{ memory, rules, clock: { now: () => now }, isExemptNetwork: () => false },
    alert: () => void alerts++,
  })
  const names = Array.from(
    { length: principals },
    (_, at) => `https://issuer.example|user-${at.toString(36).padStart(8, '0')}`,
  )
  const tools = Array.from({ length: 40 }, (_, at) => `tool_${at}`)
  const networks = Array.from({ length: 256 }, (_, at) => `192.0.2.${at}`)
  const run = (count, step, see) => {
    const begin = process.threadCpuUsage()
    for (let at = 0; at < count; at++) {
      now += step
      const principal = names[(at * 7919) % principals]
      const sighting = {
        ...{ at: now, tenant: 'acme', principal, network: networks[at & 255] },
        ...{ upstream: 'files', tool: tools[(at * 31) % 40], outcome: at % 50 === 0 ? 'failed' : 'ok' },
        ...{ bytes: 500 + (at % 9_000), findings: 0, incident: 'incident' },
      }
      see(sighting, { tenant: 'acme', principal, isExempt: false, isAdministrator: false, incident: 'incident' })
    }
    const { user, system } = process.threadCpuUsage(begin)
    return (user + system) / count
  }
  const observe = (sighting, asker) => watch.observe(sighting, asker)
  run(principals * 2, 40, observe)
  let sink = 0
  const median = (see) => [1, 2, 3].map(() => run(calls / 3, 1, see)).toSorted((a, b) => a - b)[1]
  const bare = median((sighting) => void (sink += sighting.bytes))
  const watched = median(observe)
  const looked = median(({ tenant, principal }) => {
    if (watch.restrictionOf(tenant, principal) !== undefined) sink++
  })
  const resident = residentMb() - before
  return { memory, principals, observe: watched - bare, look: Math.max(0, looked - bare), resident, alerts, sink, now }
}

function snapshot({ memory, now }) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const file = join(folder, 'baselines.bin')
  try {
    const descriptor = openSync(file, 'w')
    let longest = 0
    let at = performance.now()
    const begin = at
    const pieces = []
    for (const piece of encode(memory, now)) {
      longest = Math.max(longest, performance.now() - at)
      writeSync(descriptor, piece)
      pieces.push(piece)
      at = performance.now()
    }
    fsyncSync(descriptor)
    closeSync(descriptor)
    const written = performance.now() - begin
    const { size } = statSync(file)
    const bytes = Buffer.concat(pieces)
    const from = performance.now()
    decode(bytes, new Memory({ principals: most, tools: 20_000 }, 1))
    return { mb: size / 1_048_576, written, longest, read: performance.now() - from }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

console.log(
  '| principals | µs a call, learned and scored | µs a lookup | resident MB | snapshot MB | written ms | longest turn ms | read ms |',
)
console.log('|---:|---:|---:|---:|---:|---:|---:|---:|')
let last
for (const principals of [100, 10_000, most]) {
  const row = measure(principals)
  const kept = snapshot(row)
  const cells = [
    row.observe.toFixed(2),
    row.look.toFixed(3),
    row.resident.toFixed(0),
    kept.mb.toFixed(1),
    kept.written.toFixed(0),
    kept.longest.toFixed(1),
    kept.read.toFixed(0),
  ]
  console.log(`| ${principals} | ${cells.join(' | ')} |`)
  last = row
}
const verdict = (isMet) => (isMet ? 'met' : 'NOT met')
console.log(
  `\nGoal: under ${GOAL.microseconds} µs a call with ${most} principals: ${verdict(last.observe < GOAL.microseconds)}.`,
)
console.log(`Goal: under ${GOAL.megabytes} MB: ${verdict(last.resident < GOAL.megabytes)}.`)
// For `bench -- audit`, which puts it beside the rest.
if (process.argv.includes('--json')) {
  const { principals, observe, look, resident } = last
  console.log(`RESULT${JSON.stringify({ principals, observe, look, resident })}`)
}
