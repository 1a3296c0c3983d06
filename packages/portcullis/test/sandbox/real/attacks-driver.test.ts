/** Attacks on the driver itself: on how a sandbox starts, talks, is limited from outside and ends. D01 to D23. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Secret } from '../../../src/core/secret.ts'
import { numberOf } from '../../../src/sandbox/attack.ts'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import type { LaunchSpec, Limits } from '../../../src/sandbox/driver.ts'
import { driver, isRoot, outcomeOf, processesWith, run, specOf, until } from './fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-driver-'))
after(() => rmSync(folder, { recursive: true }))

interface DriverAttack {
  readonly id: string
  readonly title: string
  readonly prove: () => Promise<void>
}

const limited = (limits: Partial<Limits>) => ({ limits: { ...ATTACK_LIMITS, ...limits } })
const perlSpec = (script: string, limits: Partial<Limits> = {}): LaunchSpec =>
  specOf('', { command: '/usr/bin/perl', args: ['-e', script], ...limited(limits) })

/** Starts and waits for the first line. */
async function launchReady(spec: LaunchSpec) {
  const confined = await driver.launch(spec)
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  await until(() => lines.length > 0)
  return { confined, lines }
}

/** Two daemons of their own sessions, one of which ignores what polite signals there are. */
const daemons = (mark: string) =>
  `setsid nohup sh -c 'sleep 60; : ${mark}' >/dev/null 2>&1 & setsid sh -c 'trap "" TERM HUP INT; sleep 60; : ${mark}' >/dev/null 2>&1 & `

async function refusal(spec: LaunchSpec): Promise<void> {
  const marker = join(folder, 'ran')
  await assert.rejects(driver.launch({ ...spec, readWrite: [...spec.readWrite] }), (fault: { code?: string }) => {
    assert.match(fault.code ?? '', /^sandbox\.start_failed$/)
    return true
  })
  assert.throws(() => readdirSync(marker)) // nothing ran
}

const gateway = fileURLToPath(new URL('./gateway.ts', import.meta.url))

const DRIVER_ATTACKS: readonly DriverAttack[] = [
  {
    id: 'D01',
    title: 'daemons that left the session and ignore signals end with their sandbox',
    async prove() {
      const mark = 'mark-driver-01'
      const { confined } = await launchReady(specOf(`${daemons(mark)} echo up; sleep 60`))
      await until(() => processesWith(mark).length >= 2)
      confined.kill('killed')
      await confined.exited
      assert.deepEqual(processesWith(mark), [])
    },
  },
  {
    id: 'D02',
    title: 'daemons end with the program that started them',
    async prove() {
      const mark = 'mark-driver-02'
      const outcome = await run(specOf(`${daemons(mark)} sleep 0.2; exit 0`))
      assert.equal(outcome.reason, 'exited')
      assert.deepEqual(processesWith(mark), [])
    },
  },
  {
    id: 'D03',
    title: 'nothing outlives kill -9 of the gateway, detached by prctl or not',
    async prove() {
      const mark = 'mark-driver-03'
      const line = `${daemons(mark)} /usr/bin/perl -e 'syscall(${numberOf('prctl')}, 1, 0, 0, 0, 0)';`
      const owner = spawn(process.execPath, [gateway, line], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(owner.stdout, 'data')
      assert.notDeepEqual(processesWith(mark), [])
      owner.kill('SIGKILL')
      await once(owner, 'exit')
      await until(() => processesWith(mark).length === 0)
    },
  },
  {
    id: 'D04',
    title: 'a line of 500 MB ends the process and costs no memory',
    async prove() {
      const before = process.memoryUsage.rss()
      const limits = { outputBytesPerSecond: 1 << 30 }
      const outcome = await run(specOf('head -c 500000000 /dev/zero | tr "\\0" x; sleep 30', limited(limits)))
      assert.equal(outcome.reason, 'line-too-long')
      assert.ok(process.memoryUsage.rss() - before < 64 << 20)
    },
  },
  {
    id: 'D05',
    title: 'endless lines are slowed down to the rate that is allowed',
    async prove() {
      const line = 'yes \'{"jsonrpc":"2.0","method":"notifications/message"}\''
      const limits = { lifeMs: 2_500, outputBytesPerSecond: 4 << 20 }
      const confined = await driver.launch(specOf(line, limited(limits)))
      let bytes = 0
      confined.onLine((heard) => {
        bytes += heard.length + 1
      })
      const { reason } = await confined.exited
      assert.equal(reason, 'life-deadline')
      assert.ok(bytes > 0 && bytes < 5 * (4 << 20), `${bytes}`)
    },
  },
  {
    id: 'D06',
    title: 'a flood of standard error is read and dropped',
    async prove() {
      const confined = await driver.launch(specOf('head -c 100000000 /dev/zero >&2; echo done'))
      let kept = 0
      confined.onStderr((chunk) => {
        kept += chunk.length
      })
      assert.deepEqual((await outcomeOf(confined)).lines, ['done'])
      assert.ok(kept <= ATTACK_LIMITS.maxStderrBytes, `${kept}`)
    },
  },
  {
    id: 'D07',
    title: 'bytes that never make a line are no sign of life',
    async prove() {
      const outcome = await run(specOf('while :; do printf x; sleep 0.05; done', limited({ idleMs: 400 })))
      assert.equal(outcome.reason, 'idle-deadline')
    },
  },
  {
    id: 'D08',
    title: 'a process that never reads is ended when its input piles up',
    async prove() {
      const { confined } = await launchReady(specOf('echo up; sleep 60'))
      for (let sent = 0; sent < 40; sent++) confined.send('y'.repeat(100_000))
      assert.equal((await confined.exited).reason, 'stdin-backlog')
    },
  },
  {
    id: 'D09',
    title: 'a process that ignores every signal has its time all the same',
    async prove() {
      const line = 'trap "" TERM INT HUP; while :; do sleep 0.1; done'
      assert.equal((await run(specOf(line, limited({ lifeMs: 400 })))).reason, 'life-deadline')
    },
  },
  {
    id: 'D10',
    title: 'variables that load code act inside only',
    async prove() {
      const loud = join(folder, 'loud.so')
      const script = join(folder, 'loud.sh')
      writeFileSync(loud, 'not a library')
      writeFileSync(script, `: > ${join(folder, 'ran')}`)
      const env = {
        LD_PRELOAD: loud,
        LD_AUDIT: loud,
        BASH_ENV: script,
        ENV: script,
        PERL5OPT: '-Mnothing',
        PATH: folder,
      }
      const outcome = await run(specOf('echo hi', { env, readOnly: [loud, script] }))
      assert.deepEqual(outcome.lines, ['hi'])
      assert.ok(!readdirSync(folder).includes('ran'))
    },
  },
  {
    id: 'D11',
    title: 'a path that is swapped while it is bound shows what was checked, or nothing',
    async prove() {
      const base = mkdtempSync(join(folder, 'swap-'))
      const secret = join(base, 'secret')
      const [path, aside] = [join(base, 'path'), join(base, 'aside')]
      for (const [name, text] of [
        [path, 'good'],
        [secret, 'PRIVATE'],
      ] as const) {
        mkdirSync(name)
        writeFileSync(join(name, 'file'), text)
      }
      const hiding = createHidingDriver(secret)
      const over = new AbortController()
      const swapping = (async () => {
        for (; !over.signal.aborted; await sleep(0)) {
          renameSync(path, aside)
          symlinkSync(secret, path)
          await sleep(1)
          unlinkSync(path)
          renameSync(aside, path)
        }
      })()
      const seen: string[] = []
      for (let round = 0; round < 20; round++) {
        const spec = specOf('', { command: '/bin/cat', args: [join(path, 'file')], readOnly: [path] })
        const outcome = await hiding.then((own) => own.launch(spec)).then(outcomeOf, () => undefined)
        seen.push(...(outcome?.lines ?? []))
      }
      over.abort()
      await swapping
      assert.deepEqual(
        seen.filter((line) => line.includes('PRIVATE')),
        [],
      )
    },
  },
  {
    id: 'D12',
    title: 'a secret of the environment is in no command line',
    async prove() {
      const value = 'sk-driver-secret-12'
      const { confined, lines } = await launchReady(
        specOf('echo "$KEY"; read line', { env: { KEY: new Secret(value) } }),
      )
      assert.deepEqual([lines, processesWith(value)], [[value], []])
      confined.kill('killed')
      await confined.exited
    },
  },
  {
    id: 'D13',
    title: 'a memory bomb ends, and nothing else does',
    async prove() {
      const [bomb, bystander] = [
        perlSpec('my @a; push @a, "x" x 10_000_000 while 1'),
        specOf('echo up; read line; echo on'),
      ]
      const { confined, lines } = await launchReady(bystander)
      const outcome = await run(bomb)
      const probe = await driver.probe()
      if (probe.ok && probe.enforces.memory === 'cgroup') assert.equal(outcome.reason, 'out-of-memory')
      else assert.notEqual(outcome.code, 0)
      confined.send('go')
      await confined.exited
      assert.deepEqual(lines, ['up', 'on'])
    },
  },
  {
    id: 'D14',
    title: 'processor time is shared where the host can share it, and refused where that is required',
    async prove() {
      const probe = await driver.probe()
      assert.ok(probe.ok)
      const { demand } = await import('../../../src/sandbox/select.ts')
      const require = () => demand('bubblewrap', probe.enforces, { cpu: 'cgroup' })
      if (probe.enforces.cpu !== 'cgroup') return assert.throws(require, { code: 'sandbox.unavailable' })
      const spin =
        'my $end = time + 2; my @p = map { fork() || do { 1 while time < $end; exit } } 1 .. 2; waitpid $_, 0 for @p; my (undef, undef, $u, $s) = times; print $u + $s, "\\n"'
      const outcome = await run(perlSpec(spin, { cpus: 0.25 }))
      assert.ok(Number(outcome.lines[0]) < 1.5, outcome.lines.join())
    },
  },
  {
    id: 'D15',
    title: 'a fork bomb is stopped at its limit',
    async prove() {
      const bomb =
        'my $n = 0; while ($n < 2000) { my $p = fork(); last unless defined $p; if (!$p) { sleep 10; exit } $n++ } print "$n\\n"; kill "KILL", -getpgrp()'
      const outcome = await run(perlSpec(bomb, { processes: 40 }))
      assert.ok(Number(outcome.lines[0]) > 10 && Number(outcome.lines[0]) <= 40, outcome.lines.join())
    },
  },
  {
    id: 'D16',
    title: 'a path that does not exist refuses the start',
    prove: () =>
      refusal(specOf(`mkdir ${join(folder, 'ran')}`, { readOnly: [join(folder, 'missing')], readWrite: [folder] })),
  },
  {
    id: 'D17',
    title: 'a path inside what belongs to the kernel refuses the start',
    async prove() {
      for (const path of ['/proc/self', '/sys/fs', '/dev/shm', '/run', '/boot', '/'])
        await refusal(specOf('echo ran', { readOnly: [path] }))
    },
  },
  {
    id: 'D18',
    title: 'a socket is never bound',
    async prove() {
      const path = join(folder, 'daemon.sock')
      const server = createServer().listen(path)
      await once(server, 'listening')
      await refusal(specOf('echo ran', { readWrite: [path] }))
      await refusal(specOf('echo ran', { readOnly: [path] }))
      server.close()
    },
  },
  {
    id: 'D19',
    title: 'a worker thread, whose end would be that of its sandboxes, cannot start one',
    async prove() {
      const code = `import('${new URL('./fixture.ts', import.meta.url).href}').then(async ({ driver, specOf }) => {
        const { parentPort } = await import('node:worker_threads')
        await driver.launch(specOf('true')).catch((fault) => parentPort.postMessage(fault.code))
      })`
      const worker = new Worker(code, { eval: true })
      assert.deepEqual(await once(worker, 'message'), ['sandbox.start_failed'])
      await worker.terminate()
    },
  },
  {
    id: 'D20',
    title: 'a process that closes its output is not forgotten',
    async prove() {
      assert.equal((await run(specOf('exec 1>&-; sleep 60', limited({ idleMs: 300 })))).reason, 'idle-deadline')
    },
  },
  {
    id: 'D21',
    title: 'failed starts leave no control group, mount or file',
    async prove() {
      for (let round = 0; round < 25; round++) {
        await driver.launch(specOf('true', { readOnly: [join(folder, 'missing')] })).catch(() => {})
        await driver.launch(specOf('true', { cwd: '/nowhere/at/all' })).then(outcomeOf, () => {})
      }
      assert.deepEqual(ownGroups(), [])
    },
  },
  {
    id: 'D22',
    title: 'two sandboxes share no process, file or shared memory',
    async prove() {
      const share =
        'shmget(0x4444, 64, 01600); open(F, ">", "/tmp/mine"); open(G, ">", "/dev/shm/mine"); $| = 1; print "up\\n"; <STDIN>; # mark-driver-22'
      const look =
        'print join(" ", defined shmget(0x4444, 0, 0) ? 1 : 0, -e "/tmp/mine" ? 1 : 0, -e "/dev/shm/mine" ? 1 : 0, scalar(grep { /mark-driver-2[2]/ } map { open(my $f, "<", $_); <$f> } glob("/proc/[0-9]*/cmdline"))), "\\n"'
      const { confined } = await launchReady(perlSpec(share))
      assert.deepEqual((await run(perlSpec(look))).lines, ['0 0 0 0'])
      confined.kill('killed')
      await confined.exited
    },
  },
  {
    id: 'D23',
    title: 'large values of the environment and many arguments arrive whole',
    async prove() {
      const spec = specOf('', {
        command: '/bin/sh',
        args: ['-c', 'echo ${#BIG} $#', 'sh', ...Array.from({ length: 2_000 }, () => 'argument')],
        env: { BIG: 'z'.repeat(120_000) },
      })
      assert.deepEqual((await run(spec)).lines, ['120000 2000'])
    },
  },
]

/** Control groups of this process, wherever they are mounted. */
function ownGroups(): readonly string[] {
  const below = (directory: string, depth: number): readonly string[] =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => [name, ...(depth > 0 ? below(join(directory, name), depth - 1) : [])])
  return below('/sys/fs/cgroup', 4).filter(
    (name) => name.startsWith('portcullis-') && name.includes(`-${process.pid}-`),
  )
}

async function createHidingDriver(hidden: string) {
  const { createBubblewrapDriver } = await import('../../../src/sandbox/bubblewrap.ts')
  return createBubblewrapDriver({ hidden: [hidden] })
}

describe(`attacks on the driver, as ${isRoot ? 'root' : 'an unprivileged user'}`, () => {
  for (const { id, title, prove } of DRIVER_ATTACKS) it(`${title} (${id})`, prove)

  it('there is one for each that was studied', () => {
    const expected = Array.from({ length: 23 }, (_, index) => `D${String(index + 1).padStart(2, '0')}`)
    assert.deepEqual(
      DRIVER_ATTACKS.map(({ id }) => id),
      expected,
    )
  })
})
