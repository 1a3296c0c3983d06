// The suite of calls: measures a call through Portcullis beside what it is compared with, and writes RESULTS.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestIdentity } from '../packages/portcullis/test/fixtures/certificate.ts'
import { measureColdStarts } from './lib/cold-start.mjs'
import { measureIdleStreams } from './lib/idle-streams.mjs'
import { installAll } from './lib/install.mjs'
import { readOptions } from './lib/options.mjs'
import { BENCH } from './lib/places.mjs'
import { freePort, listens, start } from './lib/programs.mjs'
import { writeReport } from './lib/report.mjs'
import { endAll, measureRounds, startTargets, warm } from './lib/rounds.mjs'
import { plays } from './lib/goals.mjs'
import * as baseline from './targets/baseline.mjs'
import * as bridges from './targets/bridges.mjs'
import * as portcullis from './targets/portcullis.mjs'

const TEXT_BYTES = 1_024
const TOOLS = { few: 10, many: 1_000 }

const options = readOptions(process.argv.slice(2))
const startedAt = new Date().toISOString()
installAll({ withPeers: true })

const scratch = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const identity = await createIdentity()
process.on('exit', () => {
  identity.remove()
  rmSync(scratch, { recursive: true, force: true })
})
const upstreams = { few: await startUpstream('few'), many: await startUpstream('many') }
const context = {
  node: process.execPath,
  scratch,
  identity,
  upstreams,
  stdioUpstream: [join(BENCH, 'bin', 'zero-stdio'), String(TEXT_BYTES), String(TOOLS.few)],
  freePort,
}

try {
  const targets = (await Promise.all([baseline, bridges, portcullis].map(({ loadTargets }) => loadTargets(context))))
    .flat()
    .filter(isWanted)
  const samples = await part('load', [], () => measureLoad(targets))
  await endAll(targets.filter(({ upstream }) => upstream === undefined))
  const startable = targets.filter((target) => target.command !== undefined && target.failed === undefined)
  const coldStarts = await part('cold', [], () => measureColdStarts(startable, options.coldStarts, scratch))
  const idle = (await Promise.all([baseline, portcullis].map(({ idleTargets }) => idleTargets(context)))).flat()
  const idleStreams = await part('idle', [], () => measureIdleStreams(idle, options.streams, scratch))
  const goals = writeReport({ options, targets, samples, coldStarts, idleStreams, startedAt })
  for (const { title, wanted, value, unit, met } of goals) {
    if (met !== undefined) console.log(`${met ? 'met   ' : 'MISSED'} ${title}: ${value.toFixed(2)}${unit} (${wanted})`)
  }
  console.log('Written: bench/RESULTS.md, bench/results.json, bench/cpu-per-call.svg')
} finally {
  await endAll(Object.values(upstreams))
}

async function measureLoad(targets) {
  console.log(`Starting ${targets.length} targets`)
  await startTargets(targets, upstreams, scratch)
  for (const target of targets) if (target.failed === undefined) await warm(target, options.warmup, scratch)
  const healthy = targets.filter(({ failed }) => failed === undefined)
  console.log(`Measuring ${healthy.length} targets`)
  return measureRounds(healthy, Object.values(upstreams), options, scratch)
}

async function startUpstream(size) {
  const port = await freePort()
  const tools = TOOLS[size]
  const command = [join(BENCH, 'bin', 'zero-http'), String(port), String(TEXT_BYTES), String(tools)]
  const child = start({ name: `upstream ${size}`, command }, { cpu: 1, scratch })
  if (!(await listens(child, port))) throw new Error('the upstream did not start')
  return { url: `http://127.0.0.1:${port}/mcp`, port, tools, child }
}

async function createIdentity() {
  const { key, cert, ...rest } = await createTestIdentity()
  const keyFile = join(scratch, 'key.pem')
  const certFile = join(scratch, 'cert.pem')
  writeFileSync(keyFile, key, { mode: 0o600 })
  writeFileSync(certFile, cert)
  return { ...rest, keyFile, certFile }
}

function part(name, otherwise, measure) {
  return options.skip.includes(name) ? otherwise : measure()
}

function isWanted(target) {
  if (options.only.length === 0 || plays('bare')(target)) return true
  return options.only.some((wanted) => target.name.includes(wanted))
}
