// npm run bench -- audit: what it costs that every call is on the disk before its answer leaves, and what the rest of the record and
// the vault cost beside it: seals, masks, the watch. One run, interleaved; some seven minutes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../scripts/build.mjs'
import { installAll } from './lib/install.mjs'
import { readOptions } from './lib/options.mjs'
import { BENCH, WORKSPACE } from './lib/places.mjs'
import { writePortcullisFolder } from './lib/portcullis-folder.mjs'
import { freePort, listens, start } from './lib/programs.mjs'
import { measureParts, measureWatch } from './lib/record-parts.mjs'
import { summarize } from './lib/report.mjs'
import { endAll, measureRounds, startTargets, warm } from './lib/rounds.mjs'

const TEXT_BYTES = 1_024
const TOOLS = 10
const CALLERS = [1, 16, 64]
const ROUNDS = 4
const WARM_UP = 12_000
const WANTED_SHARE = 0.8
const WATCH = { microseconds: 10, megabytes: 200 }

const SERVE_AUDIT = join(WORKSPACE, 'bench', 'lib', 'serve-audit.mjs')
const PROGRAM = join(WORKSPACE, 'packages', 'portcullis', 'bin', 'portcullis.cjs')
const KEPT = { payloads: { arguments: true, results: true } }
const LESS = { secrets: 'remove', personal: 'mask' }
const MASKED = { masking: { arguments: LESS, results: LESS } }

const ROWS = [
  { name: 'no records', serve: (file) => [SERVE_AUDIT, file, 'off'] },
  { name: 'records, not waited for', audit: { durability: 'eventual' } },
  { name: 'durable, one commit for the calls under way' },
  { name: 'durable, each result with a receipt', audit: { receipts: 'every-answer' } },
  { name: 'durable, one fsync for each record', serve: (file) => [SERVE_AUDIT, file, 'each'] },
  { name: 'durable, arguments and results kept sealed', more: KEPT },
  { name: 'durable, arguments and results masked', more: MASKED },
  { name: 'durable, nobody is watched', sections: { anomalies: { watch: 'off' } } },
]
const [OFF, , OURS, , EACH] = ROWS.map(({ name }) => name)

const args = process.argv.slice(3)
const options = readOptions(args)
if (!args.includes('--callers')) options.callers = CALLERS
if (!options.quick && !args.includes('--rounds')) options.rounds = ROUNDS
if (!options.quick && !args.includes('--warmup')) options.warmup = WARM_UP
const startedAt = new Date().toISOString()
installAll({ withPeers: false })
ensureBuilt()
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

console.log('The parts by themselves')
const parts = measureParts()
const watch = measureWatch()
const upstream = await startUpstream()
try {
  const targets = []
  for (const row of ROWS) targets.push(await target(row))
  console.log(`Starting ${targets.length} targets`)
  await startTargets(targets, [upstream], scratch)
  for (const one of targets) if (one.failed === undefined) await warm(one, options.warmup, scratch)
  const healthy = targets.filter(({ failed }) => failed === undefined)
  const samples = await measureRounds(healthy, [upstream], options, scratch)
  await endAll(targets)
  report(targets, summarize(targets, samples, options.callers), samples)
} finally {
  await endAll([upstream])
}

async function startUpstream() {
  const port = await freePort()
  const command = [join(BENCH, 'bin', 'zero-http'), String(port), String(TEXT_BYTES), String(TOOLS)]
  const child = start({ name: 'upstream', command }, { cpu: 1, scratch })
  if (!(await listens(child, port))) throw new Error('the upstream did not start')
  return { url: `http://127.0.0.1:${port}/mcp`, port, child }
}

async function target({ name, serve, audit, more, sections }) {
  const port = await freePort()
  const http = { url: upstream.url, plaintext: 'loopback-only', maxConnections: 1_024 }
  const folder = await writePortcullisFolder({
    scratch,
    name,
    port,
    upstream: { era: 'modern', http, ...more },
    audit,
    more: sections,
  })
  const command = [
    process.execPath,
    ...(serve?.(folder.configFile) ?? [PROGRAM, 'serve', '--config', folder.configFile]),
  ]
  return { name, roles: [], port, tls: true, path: '/mcp/zero', tokens: folder.tokens, command }
}

function report(targets, rows, samples) {
  const goals = goalsOf(rows)
  const note = options.quick
    ? '\n**A quick run: it shows that the bench works, its figures are not to be quoted.**\n'
    : ''
  const failed = targets
    .filter((one) => one.failed !== undefined)
    .map((one) => `Not measured: ${one.name} (${one.failed}).\n`)
  const text = `# What the record and the vault cost

Written by \`npm run bench -- audit\`. A call is \`tools/call\` of \`echo\` with 1 KB of text there and back, over TLS, through all
layers; the method is that of [README.md](README.md). All rows write the same records into the same kind of chain; they differ in
when a record has to be on the disk; in one row each result carries a receipt too (\`audit.receipts\`). "One fsync for each record" is our own chain with a commit of its own for every record, two a
call. The last rows are those of the durable one with one thing more, or less. Compare rows of one run only: what a sync costs is the disk's, and a virtual disk may cost next to nothing.

${startedAt}; Node ${process.version}; ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}.
${options.rounds} round(s) of ${options.seconds} s in shuffled order, medians; at least ${options.warmup} requests of warm-up to each target.
${note}
## Goals

| goal | wanted | measured | |
|---|---|---|---|
${goals.map(({ title, wanted, measured, verdict }) => `| ${title} | ${wanted} | ${measured} | ${verdict} |`).join('\n')}

${options.callers.map((count) => table(rows, count)).join('\n')}
## The parts by themselves

Processor time of one thread in this process, without gateway and disk, medians.

| what | µs | per |
|---|---|---|
${parts.map(({ what, microseconds, per }) => `| ${what} | ${microseconds.toFixed(2)} | ${per} |`).join('\n')}
| a call learned and scored, with ${watch.principals} principals | ${watch.observe.toFixed(2)} | call |
| whether somebody is restricted, looked up | ${watch.look.toFixed(2)} | call |

The watch of ${watch.principals} principals takes ${watch.resident.toFixed(0)} MB.

${failed.join('\n')}`
  writeFileSync(join(BENCH, 'AUDIT.md'), `${text.trimEnd()}\n`)
  const everything = { startedAt, options, goals, parts, watch, rows, samples }
  writeFileSync(join(BENCH, 'audit.json'), `${JSON.stringify(everything, null, 1)}\n`)
  for (const { title, measured, verdict } of goals) console.log(`${title}: ${measured} (${verdict})`)
  console.log('Written: bench/AUDIT.md, bench/audit.json')
}

/** A goal whose rows are absent is not measured, and never met. */
function goalsOf(rows) {
  const callers = Math.max(...options.callers)
  const share = shareAt(rows, callers)
  const verdict = (isMet) => (isMet === undefined ? 'not measured' : isMet ? 'met' : '**missed**')
  return [
    {
      title: `Throughput with durable records against none, ${callers} callers`,
      wanted: `≥ ${WANTED_SHARE} ×`,
      measured: share === undefined ? '–' : `${share.toFixed(2)} ×`,
      verdict: verdict(share === undefined ? undefined : share >= WANTED_SHARE),
    },
    {
      title: `A call learned and scored, ${watch.principals} principals`,
      wanted: `< ${WATCH.microseconds} µs`,
      measured: `${watch.observe.toFixed(2)} µs`,
      verdict: verdict(watch.observe < WATCH.microseconds),
    },
    {
      title: `Memory of the watch, ${watch.principals} principals`,
      wanted: `< ${WATCH.megabytes} MB`,
      measured: `${watch.resident.toFixed(0)} MB`,
      verdict: verdict(watch.resident < WATCH.megabytes),
    },
  ]
}

function shareAt(rows, callers) {
  const of = (name) => rows.find((row) => row.name === name && row.callers === callers)?.requestsPerSecond
  const [ours, off] = [of(OURS), of(OFF)]
  return ours === undefined || off === undefined ? undefined : ours / off
}

function table(rows, count) {
  const own = rows.filter((row) => row.callers === count)
  const off = own.find(({ name }) => name === OFF)
  const each = own.find(({ name }) => name === EACH)
  const lines = own.map((row) => {
    const against = [off, each].map((other) =>
      other === undefined ? '–' : (row.requestsPerSecond / other.requestsPerSecond).toFixed(2),
    )
    const latency = [row.p50, row.p99].map((microseconds) => (microseconds / 1_000).toFixed(1))
    const cells = [row.name, row.requestsPerSecond.toFixed(0), ...against, row.cpuPerCall.toFixed(0), ...latency]
    return `| ${[...cells, `${(100 * row.foreign).toFixed(0)} %`, row.failures].join(' | ')} |`
  })
  return `## ${count} caller${count === 1 ? '' : 's'}

| records | calls/s | × no records | × one fsync each | CPU µs/call | p50 ms | p99 ms | others' CPU | failures |
|---|---|---|---|---|---|---|---|---|
${lines.join('\n')}
`
}
