/** A thousand launches that fail, each in its own way, leave nothing of themselves on the host or in the gateway. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { createBubblewrapDriver } from '../../../src/sandbox/bubblewrap.ts'
import { findCgroups } from '../../../src/sandbox/cgroup/host.ts'
import { findTool } from '../../../src/sandbox/child.ts'
import type { LaunchSpec, SandboxDriver } from '../../../src/sandbox/driver.ts'
import { ownMark, sweepStranded } from '../../../src/sandbox/mark.ts'
import { commandLineOf, driver, isRoot, processesWith, ROOT, run, specOf, until } from './fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'portcullis-leaks-'))
const socket = createServer()
before(async () => {
  chmodSync(directory, 0o755)
  socket.listen(join(directory, 'socket'))
  await once(socket, 'listening')
})
after(() => {
  socket.close()
  rmSync(directory, { recursive: true })
})

/** A driver whose bwrap is a script. */
function driverWith(script: string): SandboxDriver {
  const path = join(directory, `bwrap-${script.length}`)
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return createBubblewrapDriver({ findTool: (name) => (name === 'bwrap' ? path : findTool(name)) })
}

interface Failure {
  readonly times: number
  readonly spec: () => LaunchSpec
  readonly driver?: SandboxDriver
  /** Kills what is being started, after so many milliseconds. */
  readonly killAfterMs?: () => number
}

const SIDE_BY_SIDE = 3
/** As another user the test is run a second time, and shorter. */
const SHARE = isRoot ? 1 : 5

const hasGroups = findCgroups().processes !== undefined
const impossible = { ...ATTACK_LIMITS, tmpFiles: 100, processes: -9 }

const FAILURES: Readonly<Record<string, Failure>> = {
  'a path that is missing': { times: 300, spec: () => specOf('true', { readOnly: ['/usr/share', '/usr/missing'] }) },
  'a program that is missing': { times: 150, spec: () => specOf('', { command: 'no-such-program' }) },
  'a socket as a path': { times: 150, spec: () => specOf('true', { readWrite: [join(directory, 'socket')] }) },
  'a limit that cannot be set': { times: 100, spec: () => specOf('true', { limits: impossible }) },
  'a directory that is missing inside': { times: 100, spec: () => specOf('true', { cwd: '/missing' }) },
  'NUL in an argument of bwrap': { times: 50, spec: () => specOf('true', { cwd: '/\0' }) },
  'bwrap that ends at once': { times: 50, spec: () => specOf('true'), driver: driverWith('exit 3') },
  'bwrap that is killed': { times: 50, spec: () => specOf('true'), driver: driverWith('kill -9 $$') },
  'a kill while it starts': { times: 50, spec: () => specOf('true'), killAfterMs: () => Math.random() * 40 },
}

/** Everything that a launch makes, counted. */
function belongings() {
  const groups = Object.values(findCgroups()).map((controller) => controller?.directory)
  const names = [...new Set(groups)].flatMap((path) => (path === undefined ? [] : readdirSync(path)))
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    groups: names.filter((name) => name.startsWith(`${ownMark()}-`)).length,
    children: childrenOfUs().length,
    marked: processesWith(ownMark()).length,
    mounts: readFileSync('/proc/self/mounts', 'utf8').split('\n').length,
    resources: process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').length,
  }
}

function childrenOfUs(): readonly number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').map(Number).filter(Boolean)
}

async function fail({ spec, driver: own = driver, killAfterMs }: Failure): Promise<'failed' | 'ran'> {
  const launched = own.launch(spec())
  if (killAfterMs !== undefined) {
    await sleep(killAfterMs())
    for (const pid of childrenOfUs()) process.kill(pid, 'SIGKILL')
  }
  const confined = await launched.catch(() => undefined)
  await confined?.exited
  return confined === undefined ? 'failed' : 'ran'
}

it(`${1000 / SHARE} failed launches leave nothing`, async () => {
  await run(specOf('true')) // what is made once
  for (const failure of Object.values(FAILURES)) await fail(failure)
  await sleep(100)
  const earlier = belongings()
  for (const [name, failure] of Object.entries(FAILURES)) {
    // A host without groups has no limit to refuse.
    if (name.startsWith('a limit') && !hasGroups) continue
    const times = failure.times / SHARE
    const outcomes: string[] = []
    const attempt = async () => {
      while (outcomes.length < times) outcomes.push(await fail(failure))
    }
    await Promise.all(Array.from({ length: failure.killAfterMs === undefined ? SIDE_BY_SIDE : 1 }, attempt))
    if (failure.killAfterMs === undefined)
      assert.deepEqual(
        outcomes.filter((one) => one !== 'failed'),
        [],
        name,
      )
  }
  await until(() => JSON.stringify(belongings()) === JSON.stringify(earlier))
})

it('launches that fail side by side leave nothing either', async () => {
  const earlier = belongings()
  await Promise.all(Object.values(FAILURES).map((failure) => fail({ ...failure, times: 1 })))
  await until(() => JSON.stringify(belongings()) === JSON.stringify(earlier))
  assert.equal((await run(specOf('echo works'))).lines[0], 'works')
})

it('a bwrap that lost its parent while it was started is found, and one that has not is left alone', async () => {
  const line = [
    '--die-with-parent',
    '--unshare-user',
    '--unshare-pid',
    '--as-pid-1',
    '--ro-bind',
    '/',
    '/',
    '/bin/sh',
    '-c',
    'sleep 60; :',
    ownMark(),
  ]
  spawn('/bin/sh', ['-c', '"$@" & exit 0', 'x', '/usr/bin/bwrap', ...line], { stdio: 'ignore' })
  const kept = spawn('/usr/bin/bwrap', line, { stdio: 'ignore' })
  const running = () => processesWith(ownMark()).filter((pid) => commandLineOf(pid).startsWith('/usr/bin/bwrap '))
  await until(() => running().length === 2 && childrenOfUs().length === 1)
  assert.equal(sweepStranded(), 1)
  await until(() => running().length === 1)
  assert.equal(kept.exitCode, null)
  kept.kill('SIGKILL')
  for (const pid of processesWith(ownMark())) process.kill(pid, 'SIGKILL')
  await until(() => processesWith(ownMark()).length === 0)
})

it('the same holds for a gateway that is not root', { skip: !isRoot }, async () => {
  const identity = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const test = new URL(import.meta.url).pathname
  const child = spawn('/usr/bin/setpriv', [...identity, process.execPath, '--test', '--test-reporter=tap', test], {
    env: { PATH: '/usr/bin:/bin' },
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 0, output)
})
