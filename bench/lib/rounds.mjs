// The order of things: everything is started, warmed, and then measured in shuffled rounds, so that noise hits all alike.
import { setTimeout as sleep } from 'node:timers/promises'
import { measure, runWrk } from './load.mjs'
import { callEcho, openSessions } from './mcp.mjs'
import { cpuMicroseconds, residentBytes } from './process-tree.mjs'
import { end, listens, start } from './programs.mjs'
import { shuffled } from './statistics.mjs'

const WARM_CALLERS = 16
const WARM_SECONDS = 2
const WARM_LIMIT_MS = 120_000
const PAUSE_MS = 200
const REST_MS = 2_000
const REST_LIMIT_MS = 60_000
/** A tree that has used no more in `REST_MS` is at rest: what it started for its start has ended. */
const REST_CPU_MICROSECONDS = 20_000
const SERVING_LIMIT_MS = 10_000

/** Starts every target that has a command; the others (direct) use the upstream that they name. */
export async function startTargets(targets, upstreams, scratch) {
  for (const target of targets) {
    target.child = target.upstream?.child ?? start(target, { cpu: 0, scratch })
  }
  for (const target of targets) {
    if (!(await listens(target.child, target.port))) target.failed = 'did not start'
  }
  for (const target of targets) {
    if (target.failed !== undefined) continue
    await comesToRest(target.child.pid)
    target.restBytes = residentBytes(target.child.pid)
  }
}

async function comesToRest(pid) {
  const until = Date.now() + REST_LIMIT_MS
  for (let before = cpuMicroseconds(pid); Date.now() < until; ) {
    await sleep(REST_MS)
    const now = cpuMicroseconds(pid)
    if (now - before <= REST_CPU_MICROSECONDS) return
    before = now
  }
}

/** Opens sessions, proves that one call is answered, and sends the warm-up. A target that cannot is marked, not hidden. */
export async function warm(target, requests, scratch) {
  try {
    if (target.sessions !== undefined) target.sessionIds = await openSessions(target, target.sessions)
    await provesToAnswer(target)
    await sendWarmUp(target, requests, scratch)
  } catch (error) {
    target.failed = error.message
  }
  if (target.failed !== undefined) console.log(`  ${target.name}: NOT MEASURED: ${target.failed}`)
}

/** A program may listen before it serves: it gets ten seconds. */
async function provesToAnswer(target) {
  const until = Date.now() + SERVING_LIMIT_MS
  for (;;) {
    const { status, text } = await callEcho(target)
    if (status === 200 && text.includes('quick brown')) return
    if (Date.now() > until) throw new Error(`answers ${status} ${text.slice(0, 200)}`)
    await sleep(PAUSE_MS)
  }
}

async function sendWarmUp(target, requests, scratch) {
  const until = Date.now() + WARM_LIMIT_MS
  let sent = 0
  while (sent < requests && Date.now() < until) {
    const figures = await runWrk(target, WARM_CALLERS, WARM_SECONDS, scratch)
    if (figures === undefined || figures.requests === 0) throw new Error('no request was answered')
    if (figures.refused > figures.requests / 100) throw new Error(`${figures.refused} of ${figures.requests} refused`)
    sent += figures.requests
  }
  target.warmedWith = sent
  console.log(`  ${target.name}: warm after ${sent} requests`)
}

/** All samples of all rounds. */
export async function measureRounds(targets, upstreams, { rounds, callers, seconds }, scratch) {
  const samples = []
  for (let round = 1; round <= rounds; round++) {
    for (const count of callers) {
      for (const target of shuffled(targets)) {
        const sample = await measure(target, upstreams, count, seconds, scratch)
        if (sample !== undefined) samples.push({ round, ...sample })
      }
    }
    console.log(`  round ${round} of ${rounds}`)
  }
  return samples
}

/** Ends every program of the list. */
export async function endAll(holders) {
  await Promise.all(holders.map(({ child }) => child && end(child)))
}
