/** How a process ends, and that nothing of it is left. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Secret } from '../../../src/core/secret.ts'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { findCgroups } from '../../../src/sandbox/cgroup/host.ts'
import { sweepCgroups } from '../../../src/sandbox/cgroup/remove.ts'
import { sweepOrphans } from '../../../src/sandbox/mark.ts'
import { commandLineOf, driver, outcomeOf, processesWith, run, specOf, until } from './fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'portcullis-life-'))
after(() => rmSync(directory, { recursive: true }))

/** A line that leaves a daemon behind; `mark` is found in its command line. */
const daemonLine = (mark: string) => `setsid sh -c 'trap "" TERM HUP INT; sleep 60; : ${mark}' >/dev/null 2>&1 & `
const ready = (lines: readonly string[]) => until(() => lines.length > 0)

async function launchReady(line: string, changes = {}) {
  const confined = await driver.launch(specOf(line, changes))
  const lines: string[] = []
  confined.onLine((bytes) => lines.push(bytes.toString('utf8')))
  await ready(lines)
  return { confined, lines }
}

it('daemons die with the process that started them', async () => {
  const mark = 'mark-daemon-a'
  const { confined } = await launchReady(`${daemonLine(mark)} echo up; read line`)
  assert.notDeepEqual(processesWith(mark), [])
  confined.send('go')
  assert.equal((await confined.exited).reason, 'exited')
  assert.deepEqual(processesWith(mark), [])
})

it('kill ends the whole tree before exited resolves', async () => {
  const mark = 'mark-daemon-b'
  const { confined } = await launchReady(`trap "" TERM; ${daemonLine(mark)} echo up; sleep 60`)
  confined.kill('killed')
  assert.equal((await confined.exited).reason, 'killed')
  assert.deepEqual(processesWith(mark), [])
})

it('nothing survives kill -9 of the gateway', async () => {
  const mark = 'mark-daemon-c'
  const gateway = spawn(process.execPath, [fileURLToPath(new URL('./gateway.ts', import.meta.url)), daemonLine(mark)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  gateway.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await until(() => output.includes('up'))
  assert.notDeepEqual(processesWith(mark), [])
  gateway.kill('SIGKILL')
  await once(gateway, 'exit')
  await until(() => processesWith(mark).length === 0)
})

it('a gateway that is killed while it starts a sandbox leaves nothing that the next start does not sweep', async () => {
  const mark = 'mark-daemon-d'
  const script = fileURLToPath(new URL('./gateway.ts', import.meta.url))
  for (let round = 0; round < 8; round++) {
    const gateway = spawn(process.execPath, [script, daemonLine(mark)], { stdio: 'ignore' })
    await until(() => processesWith(mark).some((pid) => pid !== gateway.pid)) // bwrap has the mark in its command line
    await sleep(round * 3)
    gateway.kill('SIGKILL')
    await once(gateway, 'exit')
    // What is left for a moment is on its way out, or is bwrap at a dead end, which the next gateway's start sweeps.
    await until(() => processesWith(mark).every((pid) => commandLineOf(pid).startsWith('/usr/bin/bwrap ')))
    sweepOrphans()
    await until(() => processesWith(mark).length === 0)
  }
})

it('control groups leave no directory behind, and those of a killed gateway are swept', async () => {
  await run(specOf('true'))
  const host = findCgroups()
  await sweepCgroups(host)
  for (const place of [host.memory?.directory, host.processes?.directory]) {
    const left = place === undefined ? [] : readdirSync(place).filter((name) => name.startsWith('portcullis-'))
    // Other test files run gateways of their own at the same time; their processes live.
    for (const name of left) assert.ok(existsSync(`/proc/${name.split('-')[2]}`), name)
  }
})

it('stop closes the input first, and a process that reads it ends by itself', async () => {
  const { confined, lines } = await launchReady('echo up; cat >/dev/null; echo bye')
  assert.deepEqual(
    { ...(await confined.stop()), lines },
    {
      code: 0,
      signal: null,
      reason: 'exited',
      stderrTail: '',
      lines: ['up', 'bye'],
    },
  )
})

it('stop asks with SIGTERM when the closed input did not help', async () => {
  const { confined, lines } = await launchReady('trap "echo asked; exit 3" TERM; echo up; while :; do sleep 0.05; done')
  const { code, reason } = await confined.stop(200)
  assert.deepEqual({ code, reason, lines }, { code: 3, reason: 'exited', lines: ['up', 'asked'] })
})

it('stop kills what ignores both', async () => {
  const { confined } = await launchReady('trap "" TERM INT HUP; echo up; while :; do sleep 0.05; done')
  assert.equal((await confined.stop(100)).reason, 'stopped')
})

const ENDINGS = [
  { title: 'is silent after its start', line: 'sleep 60', limits: { startMs: 200 }, reason: 'start-deadline' },
  {
    title: 'lives too long, whatever it says',
    line: 'while :; do echo x; sleep 0.02; done',
    limits: { lifeMs: 300 },
    reason: 'life-deadline',
  },
  {
    title: 'dribbles bytes without a line',
    line: 'echo up; while :; do printf x; sleep 0.02; done',
    limits: { idleMs: 300 },
    reason: 'idle-deadline',
  },
  {
    title: 'closes its output and stays',
    line: 'exec 1>&-; sleep 60',
    limits: { idleMs: 200 },
    reason: 'idle-deadline',
  },
  {
    title: 'writes a line without an end',
    line: 'head -c 300000 /dev/zero | tr "\\0" x; sleep 60',
    limits: {},
    reason: 'line-too-long',
  },
] as const

for (const { title, line, limits, reason } of ENDINGS) {
  it(`a process that ${title} is ended: ${reason}`, async () => {
    const outcome = await run(specOf(line, { limits: { ...ATTACK_LIMITS, ...limits } }))
    assert.equal(outcome.reason, reason)
  })
}

it('each line, in or out, puts the end of an idle process off', async () => {
  const limits = { ...ATTACK_LIMITS, idleMs: 1500 }
  const speaking = run(specOf('for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.25; done', { limits }))
  const hearing = await driver.launch(specOf('cat >/dev/null', { limits }))
  for (let sent = 0; sent < 8; sent++) {
    hearing.send('x')
    await sleep(250)
  }
  assert.equal((await hearing.stop()).reason, 'exited')
  assert.equal((await speaking).reason, 'exited')
})

it('a process that does not read is ended when its input piles up', async () => {
  const { confined } = await launchReady('echo up; sleep 60')
  for (let sent = 0; sent < 40; sent++) confined.send('y'.repeat(100_000))
  assert.equal((await confined.exited).reason, 'stdin-backlog')
})

it('a flood of standard error neither blocks the process nor is kept', async () => {
  const confined = await driver.launch(specOf('head -c 5000000 /dev/zero >&2; echo done'))
  let kept = 0
  confined.onStderr((chunk) => {
    kept += chunk.length
  })
  assert.deepEqual((await outcomeOf(confined)).lines, ['done'])
  assert.equal(kept, ATTACK_LIMITS.maxStderrBytes)
})

it('output beyond the rate waits, and none of it is lost', async () => {
  const limits = { ...ATTACK_LIMITS, outputBytesPerSecond: 400_000 }
  const { lines, reason } = await run(specOf('seq 1 100000', { limits }))
  assert.equal(reason, 'exited')
  assert.deepEqual([lines.length, lines.at(-1)], [100_000, '100000'])
})

it('a paused process blocks, and goes on where it was', async () => {
  const { confined, lines } = await launchReady('echo up; read line; seq 1 200000; echo end')
  confined.pause()
  confined.send('go')
  await sleep(100)
  const before = lines.length
  confined.resume()
  assert.ok(before < 100, `${before}`)
  await until(() => lines.at(-1) === 'end')
  assert.equal(lines.length, 200_002)
})

it('a memory bomb ends in its own control group', { skip: findCgroups().memory === undefined }, async () => {
  const bomb = 'my @a; push @a, "x" x 10_000_000 while 1'
  const outcome = await run(specOf('', { command: '/usr/bin/perl', args: ['-e', bomb] }))
  assert.equal(outcome.reason, 'out-of-memory')
})

it('a secret of the environment is in no command line, and reaches the process', async () => {
  const value = 'sk-mark-secret-0451'
  const { confined, lines } = await launchReady('echo "$API_KEY"; read line', { env: { API_KEY: new Secret(value) } })
  assert.deepEqual(lines, [value])
  assert.deepEqual(processesWith(value), [])
  assert.notEqual(commandLineOf(confined.pid), '')
  confined.kill('killed')
  await confined.exited
})

it('a value cannot smuggle in another argument', async () => {
  await assert.rejects(driver.launch(specOf('true', { env: { A: 'x\0--bind\0/\0/' } })), {
    code: 'sandbox.start_failed',
  })
  await assert.rejects(driver.launch(specOf('true', { cwd: '/\0--bind\0/\0/' })), { code: 'sandbox.start_failed' })
})

it('LD_PRELOAD and PATH of the configuration act inside only', async () => {
  const library = join(directory, 'preload.so')
  writeFileSync(library, 'not a library') // the loader complains by name wherever it is asked to load it
  const env = { LD_PRELOAD: library, PATH: directory }
  const outcome = await run(specOf('echo hi', { env, readOnly: [library] }))
  assert.deepEqual([outcome.lines, outcome.reason], [['hi'], 'exited'])
  const complaints = outcome.stderrTail.split('\n').filter((line) => line.includes(library))
  assert.equal(complaints.length, 3, outcome.stderrTail) // prlimit, gate and sh inside; prlimit and bwrap outside are silent
})

it('a descriptor that the gateway inherited does not reach the sandbox', async () => {
  const leak = 'use POSIX; open(F, "<", "/etc/passwd"); POSIX::dup2(fileno(F), 251); exec @ARGV'
  const gateway = [process.execPath, fileURLToPath(new URL('./gateway.ts', import.meta.url))]
  const line = 'for n in /proc/self/fd/*; do printf "%s " "${n##*/}"; done; echo;'
  const child = spawn('/usr/bin/perl', ['-e', leak, ...gateway, line], { stdio: ['ignore', 'pipe', 'inherit'] })
  await until(() => existsSync(`/proc/${child.pid}/fd/251`)) // the leak is real, until the first launch closes it
  const [first] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGKILL')
  assert.match(first.toString('utf8'), /^0 1 2 (\d )?\n/)
})

it('a worker thread cannot start a sandbox, whose end would follow the thread', async () => {
  const code = `import('${new URL('./fixture.ts', import.meta.url).href}').then(async ({ driver, specOf }) => {
    const { parentPort } = await import('node:worker_threads')
    await driver.launch(specOf('true')).catch((fault) => parentPort.postMessage(fault.detail.reason))
  })`
  const worker = new Worker(code, { eval: true })
  const [reason] = (await once(worker, 'message')) as [string]
  assert.equal(reason, 'processes start from the main thread only')
  await worker.terminate()
})

it('two sandboxes see nothing of each other', async () => {
  const { confined } = await launchReady('echo secret > /tmp/mine; echo up; read line; : mark-first')
  const { lines } = await run(specOf('cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c mark-fir[s]t; ls /tmp | wc -l'))
  assert.deepEqual(lines, ['0', '0'])
  confined.kill('killed')
  await confined.exited
})
