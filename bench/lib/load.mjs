// One measurement: wrk for some seconds on processor 1, and what the target's process tree used meanwhile.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH } from './places.mjs'
import { cpuMicroseconds, machineCpuMicroseconds, ownCpuMicroseconds, residentBytes } from './process-tree.mjs'

const PROCESSORS = 2
const DISTURBED = 0.3
const ATTEMPTS = 3
/** What a target is given to do before it is measured: it has rested while the others had their turns. */
const WAKING_SECONDS = 1

/** Loads the target; answers wrk's figures, or nothing if wrk failed. */
export function runWrk(target, callers, seconds, scratch) {
  const url = `${target.tls ? 'https' : 'http'}://127.0.0.1:${target.port}${target.path ?? '/mcp'}`
  const load = [
    'wrk',
    '-t1',
    `-c${callers}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    join(BENCH, 'lua', 'post.lua'),
    url,
  ]
  const env = { ...process.env, ...loadEnvironment(target, scratch) }
  return new Promise((resolve) => {
    execFile('taskset', ['-c', '1', ...load], { env, maxBuffer: 1 << 24 }, (_error, stdout) => {
      const figures = /RESULT(\{.*\})/.exec(stdout)?.[1]
      resolve(figures === undefined ? undefined : JSON.parse(figures))
    })
  })
}

/**
 * Measures once; a run that others disturbed is repeated, and the least disturbed one counts. What the first second after a rest
 * has cost stands beside it.
 */
export async function measure(target, upstreams, callers, seconds, scratch) {
  const waking = await measureOnce(target, upstreams, callers, WAKING_SECONDS, scratch)
  const sample = await leastDisturbed(target, upstreams, callers, seconds, scratch)
  return sample && { ...sample, wakingCpuPerCall: waking?.cpuPerCall ?? Number.NaN }
}

async function leastDisturbed(target, upstreams, callers, seconds, scratch) {
  let best
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sample = await measureOnce(target, upstreams, callers, seconds, scratch)
    if (sample !== undefined && (best === undefined || sample.foreign < best.foreign)) best = sample
    if (best !== undefined && best.foreign < DISTURBED) break
  }
  return best
}

async function measureOnce(target, upstreams, callers, seconds, scratch) {
  const others = upstreams.filter((upstream) => upstream.child !== target.child)
  const used = () => ({
    target: cpuMicroseconds(target.child.pid),
    upstreams: others.reduce((total, { child }) => total + cpuMicroseconds(child.pid), 0),
    own: ownCpuMicroseconds(),
    machine: machineCpuMicroseconds(),
  })
  const before = used()
  const started = performance.now()
  const figures = await runWrk(target, callers, seconds, scratch)
  const wallMicroseconds = (performance.now() - started) * 1_000
  const after = used()
  if (figures === undefined || figures.requests === 0) return undefined
  const cpu = after.target - before.target
  const known = cpu + after.upstreams - before.upstreams + after.own - before.own
  return {
    name: target.name,
    callers,
    cpuPerCall: cpu / figures.requests,
    requestsPerSecond: (figures.requests / figures.microseconds) * 1e6,
    p50: figures.p50,
    p99: figures.p99,
    failures: figures.broken + figures.refused,
    residentBytes: residentBytes(target.child.pid),
    foreign: Math.max(0, (after.machine - before.machine - known) / (wallMicroseconds * PROCESSORS)),
  }
}

function loadEnvironment(target, scratch) {
  const tokens = target.tokens ?? []
  const file = join(scratch, `${target.port}.tokens`)
  if (tokens.length > 0) writeFileSync(file, `${tokens.join('\n')}\n`, { mode: 0o600 })
  return {
    ERA: target.era ?? 'modern',
    REQUEST_PATH: target.path ?? '/mcp',
    ...(tokens.length > 0 && { TOKENS_FILE: file }),
    ...(target.sessionIds !== undefined && { SESSIONS: target.sessionIds.join(',') }),
    ...(target.uniqueIds && { UNIQUE_IDS: '1' }),
  }
}
