// What a line to a running server and its answer cost: processor time of all who take part, and time on the clock.
import { median, shuffled } from '../lib/statistics.mjs'
import { asking, inTime } from './ask.mjs'
import { allowedProcessors, cpuMicroseconds, pin, processesOf } from './processes.mjs'
import { answering, callLine } from './server.mjs'

export const SIZES = [
  { label: '200 B', bytes: 200, trips: 400 },
  { label: '64 KiB', bytes: 65_536, trips: 60 },
]
const WARM_UP_ROUNDS = 3

/**
 * All servers live at the same time; each round visits all of them in shuffled order. Rows with medians and minima.
 *
 * All share one processor, because the two ends of a line take turns: where the kernel happens to put a server would make
 * a difference of three times, and says nothing about the way it was started.
 */
export async function measureRoundTrips(ways, rounds) {
  const taking = ways.filter(({ firstCall }) => firstCall === undefined)
  const runs = (
    await Promise.all(taking.map(async (way) => Promise.all(SIZES.map((size) => openRun(way, size)))))
  ).flat()
  const processors = allowedProcessors()
  const [one] = processors.split(/[-,]/)
  try {
    pin([process.pid, ...runs.flatMap(({ members }) => members)], one)
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      for (const run of shuffled(runs)) {
        const sample = await measureOnce(run)
        if (round >= 0) run.samples.push(sample)
      }
    }
    return runs.map(summary)
  } finally {
    pin([process.pid], processors)
    await Promise.all(runs.map(({ session }) => session.close()))
  }
}

async function openRun(way, size) {
  await way.prepare?.()
  const session = await way.open(answering(size.bytes))
  const run = { way, size, session, ask: asking(session), number: 100_000, samples: [] }
  const answer = await inTime(run.ask(callLine(run.number, size.bytes)))
  if (answer.length !== size.bytes - 1) throw new Error(`an answer of ${answer.length} bytes`)
  run.members = processesOf(session)
  return run
}

async function measureOnce(run) {
  const { size, members, ask } = run
  const lines = Array.from({ length: size.trips }, () =>
    callLine((run.number = 100_000 + ((run.number + 1) % 900_000)), size.bytes),
  )
  const latencies = []
  const others = () => members.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0)
  const before = others()
  const own = process.cpuUsage()
  for (const line of lines) {
    const started = performance.now()
    await ask(line)
    latencies.push((performance.now() - started) * 1_000)
  }
  const { user, system } = process.cpuUsage(own)
  return { cpu: (user + system + others() - before) / size.trips, latency: median(latencies) }
}

function summary({ way, size, samples }) {
  const of = (field) => samples.map((sample) => sample[field])
  const figures = (field) => ({ minimum: Math.min(...of(field)), median: median(of(field)) })
  return {
    name: way.name,
    roles: way.roles,
    size: size.label,
    cpu: figures('cpu'),
    latency: figures('latency'),
    samples,
  }
}
