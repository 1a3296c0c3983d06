// npm run bench -- sandbox: what the walls cost, beside a bare process and other ways to confine one.
import { measureLaunches } from './launches.mjs'
import { measureMemory } from './memory.mjs'
import { readOptions } from './options.mjs'
import { writeReport } from './report.mjs'
import { measureRoundTrips } from './round-trips.mjs'
import { placeServer } from './server.mjs'
import { loadWays } from './ways.mjs'

const options = readOptions(process.argv.slice(3))
const startedAt = new Date().toISOString()
const server = placeServer()
process.on('exit', server.remove)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const ways = await loadWays(server, options.only)
try {
  const healthy = ways.filter(({ failed }) => failed === undefined)
  console.log(`Measuring ${healthy.map(({ name }) => name).join('; ')}`)
  for (const { name, failed } of ways) if (failed !== undefined) console.log(`Not measured: ${name} (${failed})`)
  const memory = await measureMemory(healthy)
  const trips = await measureRoundTrips(healthy, options.rounds)
  const launches = await measureLaunches(healthy, options.launches)
  for (const { title, wanted, value, unit, met } of writeReport({
    options,
    ways,
    launches,
    memory,
    trips,
    startedAt,
  })) {
    if (met !== undefined) console.log(`${met ? 'met   ' : 'MISSED'} ${title}: ${value.toFixed(2)}${unit} (${wanted})`)
  }
  console.log('Written: bench/SANDBOX.md, bench/sandbox.json')
} finally {
  for (const way of ways) await way.close?.()
}
process.exit()
