/**
 * npm run bench -- floods [--seconds 15] [--only TEXT]: how long somebody waits who calls all the while, flood by flood, beside the
 * same calls while it is quiet. Writes FLOODS.md.
 */
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { cpus, release, setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Bystander, startFlooded } from '../packages/portcullis/test/fixtures/flooded.ts'
import { FLOODS } from '../packages/portcullis/test/fixtures/floods.ts'
import { BENCH } from './lib/places.mjs'

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: { seconds: { type: 'string', default: '15' }, only: { type: 'string', default: '' } },
})
const SECONDS = Number(options.seconds)
const WANTED = 3
/** About eighty calls a second, below the usual limit of a principal. */
const PAUSE_MS = 12
const MEBIBYTE = 1_048_576

const pin = (pid, cpu) => spawnSync('taskset', ['-acp', String(cpu), String(pid)], { stdio: 'ignore' })
const percentile = (values, part) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0

const gateway = await startFlooded()
for (const pid of Object.values(gateway.pids)) pin(pid, 1)
// As the attackers are, below.
setPriority(gateway.pids.flooded, 19)

/** Calls for that long, while `act` goes on. */
async function watched(seconds, name) {
  const attacker = name === undefined ? undefined : fork(join(BENCH, 'lib', 'flood-attacker.mjs'), [name])
  if (attacker !== undefined) {
    pin(attacker.pid, 1)
    // Both are on this machine only because there is no other: the one who calls shall not wait for the attacker's own work.
    setPriority(attacker.pid, 19)
    await sleep(300)
  }
  const bystander = new Bystander(gateway, PAUSE_MS)
  const before = await gateway.look('now')
  // The onset counts: what is kept out later costs most when it begins.
  if (attacker !== undefined) {
    const { origin, caFile, token } = gateway
    // Each comes from an address of its own: one that is kept out for a flood would not bring the next.
    const address = `127.0.0.${10 + Object.keys(FLOODS).indexOf(name)}`
    attacker.send({ origin, caFile, token, address })
  }
  let peak = 0
  for (let looks = 0; looks < seconds * 2; looks++) {
    await sleep(500)
    peak = Math.max(peak, (await gateway.look('now')).memory.rss)
  }
  const after = await gateway.look('now')
  await bystander.stop()
  if (attacker !== undefined) {
    attacker.disconnect()
    await once(attacker, 'exit')
  }
  const cpuShare = (after.cpuMicroseconds - before.cpuMicroseconds) / (seconds * 1e6)
  return { calls: bystander.calls, peak, cpuShare }
}

const rowOf = (name, { calls, peak, cpuShare }) => {
  const times = calls.map(({ ms }) => ms)
  const lost = calls.filter(({ status }) => status !== 200).length
  return { name, calls: calls.length, lost, p50: percentile(times, 0.5), p99: percentile(times, 0.99), peak, cpuShare }
}

await watched(Math.max(3, SECONDS / 3))
const quiet = { calls: [], peak: 0, cpuShare: 0 }
const rows = []
for (const name of Object.keys(FLOODS)) {
  if (!name.includes(options.only)) continue
  const before = await watched(Math.max(2, SECONDS / 5))
  quiet.calls.push(...before.calls)
  quiet.cpuShare = before.cpuShare
  quiet.peak = Math.max(quiet.peak, before.peak)
  rows.push(rowOf(name, await watched(SECONDS, name)))
  const { p99, lost } = rows.at(-1)
  console.log(`  ${name}: p99 ${p99.toFixed(1)} ms, ${lost} lost`)
}
const { heapUsed } = (await gateway.look('collected')).memory
await gateway.close()

const base = rowOf('quiet', quiet)
const worst = Math.max(...rows.map(({ p99 }) => p99 / base.p99))
const lost = rows.reduce((sum, row) => sum + row.lost, 0)
const ms = (value) => value.toFixed(1)
const line = (row) =>
  `| ${row.name} | ${row.calls} | ${row.lost} | ${ms(row.p50)} | ${ms(row.p99)} | ${ms(row.p99 / base.p99)} | ${Math.round(row.cpuShare * 100)} | ${Math.round(row.peak / MEBIBYTE)} |`
const text = `# Floods, and somebody who calls meanwhile

Written by \`npm run bench -- floods\`; the method is in [README.md](README.md#floods). Compare rows of one run only.

${new Date().toISOString()}; Node ${process.version}, Linux ${release()}; ${cpus().length} × ${cpus()[0]?.model}; ${SECONDS} s each.

| goal | wanted | measured | met |
| --- | --- | --- | --- |
| p99 in any flood against the quiet one | ≤ ${WANTED}× | ${worst.toFixed(2)}× | ${worst <= WANTED ? 'yes' : 'no'} |
| Calls that were not answered | 0 | ${lost} | ${lost === 0 ? 'yes' : 'no'} |

| flood | calls | not answered | p50 ms | p99 ms | × quiet p99 | gateway’s CPU % | peak MiB |
| --- | --- | --- | --- | --- | --- | --- | --- |
${[base, ...rows].map(line).join('\n')}

After all of them the gateway’s heap holds ${Math.round(heapUsed / MEBIBYTE)} MiB.
`
writeFileSync(join(BENCH, 'FLOODS.md'), text)
console.log(text)
