// What an idle server costs beyond itself: its helper processes, and what the program that started it has grown by.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { asking, inTime } from './ask.mjs'
import { helpersOf, proportionalBytes } from './processes.mjs'
import { INITIALIZE } from './server.mjs'

const SERVERS = 10
const SETTLE_MS = 500

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

/** `[{ name, roles, helpers, aloneBytes, eachBytes, grownBytes }]`: one server alone, and each of ten. */
export async function measureMemory(ways) {
  const rows = []
  for (const way of ways) {
    if (way.firstCall !== undefined) continue
    const { helpers, bytes: aloneBytes } = await measure(way, 1)
    const { bytes, grownBytes } = await measure(way, SERVERS)
    rows.push({
      ...{ name: way.name, roles: way.roles, helpers, aloneBytes },
      ...{ eachBytes: bytes / SERVERS, grownBytes: grownBytes / SERVERS },
    })
  }
  return rows
}

async function measure(way, count) {
  await way.prepare?.()
  const before = await ownBytes()
  const sessions = []
  try {
    for (let index = 0; index < count; index++) {
      const session = await way.open(['100', '1'])
      sessions.push(session)
      await inTime(asking(session)(INITIALIZE))
    }
    const grownBytes = (await ownBytes()) - before
    const helpers = sessions.flatMap(helpersOf)
    const bytes = helpers.reduce((sum, pid) => sum + proportionalBytes(pid), 0)
    return { helpers: helpers.length, bytes, grownBytes }
  } finally {
    await Promise.all(sessions.map((session) => session.close()))
  }
}

/** Memory that this program holds on to, apart from free room of its allocators. */
async function ownBytes() {
  await sleep(SETTLE_MS)
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
