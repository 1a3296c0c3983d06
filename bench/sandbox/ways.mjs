// All ways to start the server, in the order of the tables. Those that this host cannot hold say why.
import { INITIALIZE } from './server.mjs'
import { asking, inTime } from './ask.mjs'
import * as plain from './ways/plain.mjs'
import * as containers from './ways/containers.mjs'
import * as portcullis from './ways/portcullis.mjs'
import * as sandboxRuntime from './ways/sandbox-runtime.mjs'

/**
 * `[{ name, roles, open, failed, close }]`: `open(args)` starts the server and resolves with a session, `prepare` (if any)
 * comes before it and is not measured, `failed` is the error of the first try.
 */
export async function loadWays(server, only) {
  const loaded = await Promise.all([plain, portcullis, sandboxRuntime, containers].map(({ load }) => load(server)))
  const ways = loaded.flat().filter((way) => isWanted(way, only))
  for (const way of ways) way.failed ??= await problemOf(way)
  return ways
}

async function problemOf(way) {
  try {
    if (way.firstCall !== undefined) return void (await (await way.firstCall()).close())
    const session = await way.open(['100', '1'])
    await inTime(asking(session)(INITIALIZE)).finally(() => session.close())
    return undefined
  } catch (problem) {
    return String(problem.detail?.reason ?? problem.message)
  }
}

function isWanted({ name, roles }, only) {
  return only.length === 0 || roles.includes('bare') || only.some((word) => name.includes(word))
}
