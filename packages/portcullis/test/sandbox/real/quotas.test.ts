/** Limits of a process tree on a real kernel: that they hold, what is told of it, and what is counted. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { it } from 'node:test'
import type { RefusedAccess } from '../../../src/sandbox/access.ts'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { findCgroups } from '../../../src/sandbox/cgroup/host.ts'
import type { Limits } from '../../../src/sandbox/driver.ts'
import { selectDriver } from '../../../src/sandbox/select.ts'
import { driver, isRoot, outcomeOf, ROOT, run, specOf, until } from './fixture.ts'

const groups = findCgroups()
const withoutMemory = groups.memory === undefined && 'this host makes no memory groups'
const withoutProcesses = groups.processes === undefined && 'this host makes no process groups'
const withoutCpu = groups.cpu === undefined && 'this host makes no processor groups'

/** Runs a line and gathers what its walls refused. */
async function runTold(line: string, limits: Partial<Limits> = {}) {
  const refused: RefusedAccess[] = []
  const onAccess = (access: { readonly kind: string }) => {
    if (access.kind === 'refused') refused.push(access as RefusedAccess)
  }
  const confined = await driver.launch(specOf(line, { limits: { ...ATTACK_LIMITS, ...limits }, onAccess }))
  return {
    ...(await outcomeOf(confined)),
    refused,
    walls: refused.map(({ wall }) => wall),
    usage: await confined.usage(),
  }
}

const FILES = 'i=0; while ( : > "$place/f$i" ) 2>/dev/null; do i=$((i + 1)); done; echo $place $i'

it('the private file systems hold a number of files and a size, and no more', async () => {
  const line = `for place in /tmp "$HOME" /dev/shm; do ${FILES}; rm -f "$place"/f*; done; head -c 3000000 /dev/zero > /tmp/x; stat -c %s /tmp/x; stat -c %a:%u /tmp "$HOME" /dev/shm`
  const { lines, stderrTail } = await run(
    specOf(line, { limits: { ...ATTACK_LIMITS, tmpFiles: 50, tmpBytes: 1 << 20 } }),
  )
  const counts = ['/tmp 50', '/home/sandbox 50', '/dev/shm 50', '1048576']
  assert.deepEqual(lines, [...counts, '1777:1000', '700:1000', '1777:1000'], stderrTail)
})

it('the cell gives no rights inside and is no root outside', async () => {
  const limits = { ...ATTACK_LIMITS, tmpFiles: 50 }
  const line = 'grep -E "^(Cap|NoNew)" /proc/self/status; cat /proc/self/uid_map; ls /sys; echo up; read line'
  const confined = await driver.launch(specOf(line, { limits }))
  const lines: string[] = []
  confined.onLine((bytes) => lines.push(bytes.toString('utf8')))
  await until(() => lines.includes('up'))
  const uids = /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${confined.pid}/status`, 'utf8'))?.[1]?.split('\t') ?? []
  confined.kill('killed')
  await confined.exited
  assert.equal(uids.length, 4)
  assert.ok(uids.every((uid) => uid !== '0'))
  assert.deepEqual(
    lines.slice(0, 6).filter((text) => !/\t(0{16}|1)$/.test(text)),
    [],
  )
  assert.match(lines[6] ?? '', /^\s*1000\s+\d+\s+1$/)
})

it('process 1 shows nothing of itself', async () => {
  const { lines } = await run(
    specOf(
      'ls -A /proc/1; ( : > /proc/1/x ); cat /proc/1/environ /proc/1/task/1/environ; chmod 777 /proc/1; ls -A /proc/2/environ; echo end',
    ),
  )
  assert.deepEqual(lines, ['/proc/2/environ', 'end'])
})

it('a memory bomb is killed, the reason is told and reported', { skip: withoutMemory }, async () => {
  const { reason, walls } = await runTold(`perl -e 'my $x = "x" x (64 << 20); print "survived\\n"'; true`, {
    memoryBytes: 32 << 20,
  })
  assert.equal(reason, 'out-of-memory')
  assert.deepEqual(walls, ['memory'])
})

it('forks beyond the limit are refused and counted', { skip: withoutProcesses }, async () => {
  const { lines, walls } = await runTold(
    `perl -e 'my $n = 0; for (1 .. 40) { my $p = fork(); last unless defined $p; if (!$p) { sleep 5; exit } $n++ } print "$n\\n"; kill 9, -$$' 2>/dev/null; true`,
    { processes: 10 },
  )
  assert.ok(Number(lines[0]) < 10)
  assert.deepEqual(walls, ['processes'])
})

it('output beyond its limits is told once a second', async () => {
  const flood = await runTold('head -c 300000 /dev/zero | tr "\\0" x | fold -w 99; head -c 40000 /dev/zero >&2', {
    outputBytesPerSecond: 200_000,
    maxStderrBytes: 1000,
  })
  assert.equal(flood.reason, 'exited')
  assert.ok(flood.usage.outputBytes > 300_000)
  assert.match(flood.refused.map(({ what }) => what).join('; '), /beyond 200000 bytes a second/)
  assert.match(flood.refused.map(({ what }) => what).join('; '), /beyond 1000 bytes a minute was dropped/)
  assert.ok(flood.refused.length < 8)
})

it('a line without end and output without end are ends of their own', async () => {
  const long = await runTold('head -c 100000 /dev/zero; sleep 20', { maxLineBytes: 50_000 })
  assert.deepEqual(
    [long.reason, long.refused.map(({ what }) => what)],
    ['line-too-long', ['a line was longer than 50000 bytes']],
  )
  const many = await runTold('yes', { outputBytes: 100_000 })
  assert.deepEqual([many.reason, many.walls], ['output-quota', ['output']])
})

it('a signal that only a wall sends is told', async () => {
  assert.deepEqual((await runTold('kill -SYS $$')).walls, ['system-call'])
  const { walls } = await runTold(
    'exec perl -e \'open(my $f, ">", "/tmp/x"); $| = 1; print {$f} "x" x (1 << 20) for 1 .. 3\'',
    {
      fileBytes: 1 << 20,
    },
  )
  assert.deepEqual(walls, ['file'])
})

it('usage is counted while it runs and remembered when it is gone', async () => {
  const confined = await driver.launch(
    specOf(`perl -e 'my $x = "x" x (24 << 20); my $i = 0; $i++ while $i < 3e6; $| = 1; print "up\\n"; <STDIN>'`),
  )
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  await until(() => lines.length > 0)
  const during = await confined.usage()
  confined.send('go')
  await confined.exited
  const after = await confined.usage()
  assert.ok((during.memoryBytes ?? 0) > 24 << 20, JSON.stringify(during))
  assert.ok((during.processes ?? 0) >= 1 && (during.cpuMs ?? 0) > 10, JSON.stringify(during))
  assert.equal(during.outputBytes, 3)
  assert.deepEqual([after.memoryBytes, after.processes, after.sentBytes], [0, 0, 0])
  assert.ok((after.cpuMs ?? 0) >= (during.cpuMs ?? 0))
  if (groups.memory !== undefined) assert.ok((after.peakMemoryBytes ?? 0) > 24 << 20)
})

it('a share of the processors is in force before the command runs', { skip: withoutCpu }, async () => {
  const confined = await driver.launch(specOf('read line', { limits: { ...ATTACK_LIMITS, cpus: 0.25 } }))
  const directory = groups.cpu?.directory ?? ''
  const own = readdirSync(directory)
    .map((name) => `${directory}/${name}`)
    .find((path) => path.includes('portcullis-') && readMembers(path).includes(`${confined.pid}`))
  assert.ok(own !== undefined)
  const file = groups.cpu?.version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max'
  assert.match(readFileSync(`${own}/${file}`, 'utf8'), /^25000\b/)
  confined.kill('killed')
  await confined.exited
})

function readMembers(path: string): readonly string[] {
  try {
    return readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n')
  } catch {
    return []
  }
}

it('the driver none counts what its processes use', async () => {
  const { driver: none } = await selectDriver('none')
  const confined = await none.launch(specOf('echo up; read line'))
  const lines: string[] = []
  confined.onLine((line) => lines.push(line.toString('utf8')))
  await until(() => lines.length > 0)
  const { memoryBytes = 0, processes = 0 } = await confined.usage()
  assert.ok(memoryBytes > 100_000 && processes >= 1)
  confined.kill('killed')
  await confined.exited
  assert.equal((await confined.usage()).processes, 0)
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
  assert.match(output, /ok \d+ - the private file systems hold/)
})
