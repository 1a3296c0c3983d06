// How long a program takes from its start to its first answered call, in milliseconds.
import { setTimeout as sleep } from 'node:timers/promises'
import { callEcho, openSessions } from './mcp.mjs'
import { residentBytes } from './process-tree.mjs'
import { end, start } from './programs.mjs'
import { median } from './statistics.mjs'

const LIMIT_MS = 30_000
const POLL_MS = 4

/** Starts each target `count` times, in turn; rows with the median time and the resident bytes after the answer. */
export async function measureColdStarts(targets, count, scratch) {
  const times = new Map(targets.map((target) => [target, []]))
  for (let turn = 0; turn <= count; turn++) {
    for (const target of targets) {
      const milliseconds = await startOnce(target, scratch)
      // The first turn only fills the file cache.
      if (turn > 0 && milliseconds !== undefined) times.get(target).push(milliseconds)
    }
  }
  return targets
    .filter((target) => times.get(target).length > 0)
    .map((target) => ({ name: target.name, roles: target.roles, milliseconds: median(times.get(target)) }))
}

async function startOnce(target, scratch) {
  const started = performance.now()
  const child = start(target, { scratch })
  try {
    while (performance.now() - started < LIMIT_MS) {
      if (await answers({ ...target, sessionIds: undefined })) return performance.now() - started
      await sleep(POLL_MS)
    }
    return undefined
  } finally {
    target.afterColdStartBytes = residentBytes(child.pid)
    await end(child)
  }
}

async function answers(target) {
  try {
    if (target.sessions !== undefined) target.sessionIds = await openSessions(target, 1)
    return (await callEcho(target)).status === 200
  } catch {
    return false
  }
}
