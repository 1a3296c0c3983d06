// How long it takes from the wish for a server to its first answer, in milliseconds.
import { median, shuffled } from '../lib/statistics.mjs'
import { asking, inTime } from './ask.mjs'
import { callLine, INITIALIZE } from './server.mjs'

/** Every way in each turn, in shuffled order, so that a disturbance hits all alike. `[{ name, roles, times }]`. */
export async function measureLaunches(ways, turns) {
  const rows = ways.map((way) => ({ name: way.name, roles: way.roles, way, times: [] }))
  for (let turn = -1; turn < turns; turn++) {
    for (const row of shuffled(rows)) {
      const milliseconds = await launchOnce(row.way)
      if (turn >= 0) row.times.push(milliseconds) // the first turn fills caches and pools
    }
  }
  return [...rows.map(summary), summary(await running(ways, turns))]
}

function summary({ name, roles, times }) {
  return { name, roles, minimum: Math.min(...times), median: median(times), times }
}

async function launchOnce(way) {
  await way.prepare?.()
  const started = performance.now()
  const answered = () => performance.now() - started
  if (way.firstCall !== undefined) {
    const link = await way.firstCall()
    const milliseconds = answered()
    await link.close()
    return milliseconds
  }
  const session = await way.open(['100', '1'])
  try {
    await inTime(asking(session)(INITIALIZE))
    return answered()
  } finally {
    await session.close()
  }
}

/** What a call costs where nothing has to be started: the least that a warm start can cost. */
async function running(ways, turns) {
  const session = await ways.find(({ roles }) => roles.includes('bare')).open(['100', '1'])
  const ask = asking(session)
  const times = []
  for (let turn = -1; turn < turns; turn++) {
    const started = performance.now()
    await inTime(ask(callLine(100_000 + turn + 1, 200)))
    if (turn >= 0) times.push(performance.now() - started)
  }
  await session.close()
  return { name: 'bare process that runs already', roles: ['running'], times }
}
