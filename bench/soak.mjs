// npm run soak: many sandboxed servers are started, used and killed in random ways, and then nothing may be left of them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { upstreamIdentity } from '../packages/portcullis/src/sandbox/identity.ts'
import { modern } from '../packages/portcullis/test/fixtures/client.ts'
import * as leavings from './lib/leavings.mjs'
import { BENCH } from './lib/places.mjs'

const { values: options } = parseArgs({
  options: {
    servers: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '300' },
    callers: { type: 'string', default: '24' },
    json: { type: 'boolean', default: false },
  },
})
const SERVERS = Number(options.servers)
const SECONDS = Number(options.seconds)
const CALLERS = Number(options.callers)
/** An answer that is later than this is one that never came. */
const ANSWER_MS = 40_000
const IDLE_SECONDS = 5
const WARM_UP_SECONDS = Math.max(8, SECONDS / 10)
const MAX_GROWTH = 1.1

/** How often each is chosen. Most calls are ordinary; the others end a server, or try to take more than it may. */
const ACTIONS = {
  ...{ do_echo: 60, do_touch: 12, do_look: 6, do_reach: 8 },
  ...{ do_die: 4, do_abort: 2, do_fork: 5, do_flood: 2, do_lines: 2, do_garbage: 3, do_half: 1, do_errors: 2 },
  ...{ do_fill: 3, do_eat: 2, do_deaf: 1, do_mute: 1, do_hang: 1, leave: 3 },
}
const CHOICES = Object.entries(ACTIONS).flatMap(([name, weight]) => Array(weight).fill(name))
const choose = (list) => list[Math.floor(Math.random() * list.length)]

const mark = `soak-${process.pid}-${Date.now()}`
const folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'))
const temporary = join(folder, 'tmp')
for (const path of [temporary, join(folder, 'state-of'), join(folder, 'vanishing')]) mkdirSync(path)
chmodSync(folder, 0o755)

const upstreams = ['plain', 'writing', 'networked', 'vanished'].map(upstream)
const working = upstreams.slice(0, 3)
const child = fork(
  join(BENCH, 'lib', 'soak-gateway.mjs'),
  [JSON.stringify({ upstreams, principals: SERVERS, folder: join(folder, 'state-of') })],
  {
    env: { ...process.env, TMPDIR: temporary },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
)
const ended = once(child, 'exit')
const answered = {}
const wrong = []
let agent
let gateway

try {
  gateway = await Promise.race([hear(child), ended.then(() => Promise.reject(new Error('the gateway did not start')))])
  rmSync(join(folder, 'vanishing'), { recursive: true }) // its upstream starts no more
  agent = new Agent({
    connect: { ca: readFileSync(gateway.caFile), servername: 'localhost' },
    connections: CALLERS * 2,
  })
  await use(WARM_UP_SECONDS)
  await allIdle()
  const before = await look()
  const started = await use(SECONDS)
  await allIdle()
  const after = await settle(before)
  judge(before, after)
  child.send('close')
  await Promise.race([ended, sleep(30_000)])
  if (child.exitCode === null) wrong.push('the gateway did not close')
  judgeEnd()
  report(before, after, started)
} catch (problem) {
  wrong.push(String(problem?.stack ?? problem))
  report()
} finally {
  child.kill('SIGKILL')
  await agent?.destroy()
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = wrong.length === 0 ? 0 : 1

/** Each principal has processes of its own, so every upstream has as many servers as it has callers. */
function upstream(name, slot) {
  const own = join(folder, name)
  mkdirSync(own)
  if (process.getuid() === 0) chownSync(own, upstreamIdentity(slot).uid, upstreamIdentity(slot).gid)
  const quotas = { memoryMiB: 64, processes: 32, openFiles: 128, fileMiB: 8, tmpMiB: 8, tmpFiles: 1000 }
  const script = join(BENCH, 'upstreams', 'soak-server.pl')
  const network = { allow: [{ host: 'soak.test', ports: [80] }] }
  const sandbox = {
    ...quotas,
    read: [script, ...(name === 'vanished' ? [join(folder, 'vanishing')] : [])],
    ...(name === 'writing' && { write: [own], diskMiB: 64 }),
    ...(name === 'networked' && { network }),
  }
  return {
    name,
    command: ['/usr/bin/perl', script, mark, ...(name === 'writing' ? [own] : [])],
    process: 'per-principal',
    stdio: { sandbox, deadlines: { idleSeconds: IDLE_SECONDS, startSeconds: 30 } },
  }
}

/** Calls for that long, while processes are killed from outside. Resolves with how many distinct processes were seen. */
async function use(seconds) {
  const until = performance.now() + seconds * 1_000
  const seen = new Set()
  const kills = (async () => {
    while (performance.now() < until) {
      const members = leavings.descendants(child.pid)
      for (const pid of members) seen.add(pid)
      if (members.length > 0 && Math.random() < 0.3) kill(choose(members))
      await sleep(150)
    }
  })()
  await Promise.all([kills, ...Array.from({ length: CALLERS }, () => callUntil(until))])
  return seen.size
}

function kill(pid) {
  try {
    process.kill(pid, choose(['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGSTOP']))
    count('killed from outside')
  } catch {
    // It has ended by itself.
  }
}

async function callUntil(until) {
  while (performance.now() < until) {
    const index = Math.floor(Math.random() * SERVERS)
    const name = Math.random() < 0.02 ? 'vanished' : working[index % working.length].name
    await call(name, gateway.tokens[index], choose(CHOICES))
  }
}

/** Any answer will do, but there must be one. */
async function call(name, token, action) {
  const { body, headers } = modern('tools/call', { name: action === 'leave' ? 'do_echo' : action, arguments: {} })
  const leaving = action === 'leave' ? AbortSignal.timeout(Math.ceil(Math.random() * 20)) : undefined
  const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_MS), ...(leaving === undefined ? [] : [leaving])])
  try {
    const response = await request(`${gateway.origin}/mcp/${name}`, {
      method: 'POST',
      dispatcher: agent,
      signal,
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    })
    const text = await response.body.text()
    if (text.includes('BREACH')) wrong.push(`a server read what it must not: ${text}`)
    count(/"code":"([\w.-]+)"/.exec(text)?.[1] ?? `status ${response.statusCode}`)
  } catch (problem) {
    if (leaving?.aborted === true) return count('left')
    wrong.push(`${name} ${action}: ${problem.name} ${problem.message}`)
    count('no answer')
  }
}

function count(what) {
  answered[what] = (answered[what] ?? 0) + 1
}

/** Waits until every server has been ended for its idleness; what stays is judged. */
async function allIdle() {
  for (let waited = 0; waited < 90 && leavings.markedProcesses(mark, [process.pid, child.pid]).length > 0; waited++)
    await sleep(1_000)
  await sleep(2_000)
}

async function look() {
  child.send('memory')
  const { memory } = await hear(child)
  const members = leavings.descendants(child.pid)
  return {
    memory,
    members: members.length,
    marked: leavings.markedProcesses(mark, [process.pid, child.pid]).length,
    groups: leavings.controlGroups(child.pid).length,
    mounts: leavings.mounts(child.pid, folder, child.pid).length,
    descriptors: leavings.descriptors(child.pid).length,
    namespaces: leavings.foreignNamespaces(child.pid, members).length,
    loops: leavings.loopDevices(folder).length,
    files: readdirSync(temporary).length,
  }
}

/** The collector gives pages back when it likes to; what is still there after half a minute counts. */
async function settle(before) {
  let after = await look()
  for (let tries = 0; tries < 6 && after.memory.rss > before.memory.rss * MAX_GROWTH; tries++) {
    await sleep(5_000)
    after = await look()
  }
  return after
}

/** Pools may be as full as they like before; afterwards they may not be fuller. */
function judge(before, after) {
  if (after.marked > 0) wrong.push(`${after.marked} processes of servers are left`)
  for (const [what, slack] of Object.entries({
    members: 4,
    groups: 4,
    mounts: 0,
    descriptors: 16,
    namespaces: 12,
    loops: 0,
    files: 4,
  })) {
    if (after[what] > before[what] + slack) wrong.push(`${what}: ${before[what]} before, ${after[what]} after`)
  }
  const [old, young] = [before.memory.rss, after.memory.rss]
  if (young > old * MAX_GROWTH) wrong.push(`memory: ${mebibytes(old)} before, ${mebibytes(young)} after`)
}

/** Nothing at all may outlive the gateway. */
function judgeEnd() {
  const left = {
    processes: leavings.markedProcesses(mark, [process.pid]),
    'control groups': leavings.controlGroups(child.pid),
    'loop devices': leavings.loopDevices(folder),
    'temporary files': [...leavings.temporaryFiles(child.pid), ...readdirSync(temporary)],
    mounts: leavings.mounts('self', folder, child.pid),
  }
  for (const [what, list] of Object.entries(left))
    if (list.length > 0) wrong.push(`${what} are left: ${list.slice(0, 5).join(', ')}`)
}

function report(before, after, processes) {
  const found = {
    servers: SERVERS,
    seconds: SECONDS,
    callers: CALLERS,
    processes,
    answered,
    before,
    after,
    wrong: wrong.slice(0, 50),
  }
  if (options.json) return console.log(JSON.stringify(found))
  console.log(`${SERVERS} servers, ${SECONDS} s, ${CALLERS} callers; ${processes} processes were seen`)
  console.log(
    Object.entries(answered)
      .map(([what, times]) => `  ${String(times).padStart(7)}  ${what}`)
      .join('\n'),
  )
  if (before !== undefined && after !== undefined) {
    console.log(
      `resident ${mebibytes(before.memory.rss)} before, ${mebibytes(after.memory.rss)} after; heap ${mebibytes(before.memory.heapUsed)}, ${mebibytes(after.memory.heapUsed)}`,
    )
    for (const what of ['marked', 'members', 'groups', 'mounts', 'descriptors', 'namespaces', 'loops', 'files'])
      console.log(`  ${what.padEnd(12)} ${before[what]} before, ${after[what]} after`)
  }
  console.log(wrong.length === 0 ? 'nothing is left' : `WRONG:\n  ${wrong.slice(0, 30).join('\n  ')}`)
}

function mebibytes(bytes) {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`
}

async function hear(from) {
  const [message] = await once(from, 'message')
  return message
}
