// npm run bench -- audit: what it costs that every call is on the disk before its answer leaves. One run, interleaved.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../scripts/build.mjs'
import { installAll } from './lib/install.mjs'
import { readOptions } from './lib/options.mjs'
import { BENCH, WORKSPACE } from './lib/places.mjs'
import { writePortcullisFolder } from './lib/portcullis-folder.mjs'
import { freePort, listens, start } from './lib/programs.mjs'
import { summarize } from './lib/report.mjs'
import { endAll, measureRounds, startTargets, warm } from './lib/rounds.mjs'

const TEXT_BYTES = 1_024
const TOOLS = 10
const CALLERS = [1, 16, 64]
const WANTED_SHARE = 0.8

const SERVE_AUDIT = join(WORKSPACE, 'bench', 'lib', 'serve-audit.mjs')
const PROGRAM = join(WORKSPACE, 'packages', 'portcullis', 'bin', 'portcullis.cjs')
const KEPT = { payloads: { arguments: true, results: true } }

const ROWS = [
  { name: 'no records', serve: (file) => [SERVE_AUDIT, file, 'off'] },
  { name: 'records, not waited for', audit: { durability: 'eventual' } },
  { name: 'durable, one commit for the calls under way' },
  { name: 'durable, each result with a receipt', audit: { receipts: 'every-answer' } },
  { name: 'durable, one fsync for each record', serve: (file) => [SERVE_AUDIT, file, 'each'] },
  { name: 'durable, arguments and results kept sealed', more: KEPT },
]
const [OFF, , OURS, , EACH] = ROWS.map(({ name }) => name)

const args = process.argv.slice(3)
const options = readOptions(args)
if (!args.includes('--callers')) options.callers = CALLERS
const startedAt = new Date().toISOString()
installAll({ withPeers: false })
ensureBuilt()
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

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

async function target({ name, serve, audit, more }) {
  const port = await freePort()
  const http = { url: upstream.url, plaintext: 'loopback-only', maxConnections: 1_024 }
  const folder = await writePortcullisFolder({ scratch, name, port, upstream: { era: 'modern', http, ...more }, audit })
  const command = [
    process.execPath,
    ...(serve?.(folder.configFile) ?? [PROGRAM, 'serve', '--config', folder.configFile]),
  ]
  return { name, roles: [], port, tls: true, path: '/mcp/zero', tokens: folder.tokens, command }
}

function report(targets, rows, samples) {
  const share = shareAt(rows, Math.max(...options.callers))
  const note = options.quick
    ? '\n**A quick run: it shows that the bench works, its figures are not to be quoted.**\n'
    : ''
  const failed = targets
    .filter((one) => one.failed !== undefined)
    .map((one) => `Not measured: ${one.name} (${one.failed}).\n`)
  const goal =
    share === undefined ? 'not measured' : `${share.toFixed(2)} (${share >= WANTED_SHARE ? 'met' : '**missed**'})`
  const text = `# What durable records cost

Written by \`npm run bench -- audit\`. A call is \`tools/call\` of \`echo\` with 1 KB of text there and back, over TLS, through all
layers; the method is that of [README.md](README.md). All rows write the same records into the same kind of chain; they differ in
when a record has to be on the disk; in one row each result carries a receipt too (\`audit.receipts\`). "One fsync for each record" is our own chain with a commit of its own for every record, two a
call. Compare rows of one run only: what a sync costs is the disk's, and a virtual disk may cost next to nothing.

${startedAt}; Node ${process.version}; ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}.
${options.rounds} round(s) of ${options.seconds} s in shuffled order, medians; at least ${options.warmup} requests of warm-up to each target.
${note}
Goal: with ${Math.max(...options.callers)} callers at least ${WANTED_SHARE} of the calls a second of a gateway without records: ${goal}.

${options.callers.map((count) => table(rows, count)).join('\n')}
${failed.join('\n')}`
  writeFileSync(join(BENCH, 'AUDIT.md'), `${text.trimEnd()}\n`)
  writeFileSync(join(BENCH, 'audit.json'), `${JSON.stringify({ startedAt, options, rows, samples }, null, 1)}\n`)
  console.log(`Durable against no records: ${goal}`)
  console.log('Written: bench/AUDIT.md, bench/audit.json')
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
