/** File systems of an upstream's own, on a host that can mount them; where it cannot, the watched folder in their place. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Access } from '../../../src/sandbox/access.ts'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { findTool } from '../../../src/sandbox/child.ts'
import type { LaunchSpec, VolumeSpec } from '../../../src/sandbox/driver.ts'
import { findVolumeAbility } from '../../../src/sandbox/folders/volume-ability.ts'
import { upstreamIdentity } from '../../../src/sandbox/identity.ts'
import { digestOf } from '../folders/tree-of-files.ts'
import { driver, outcomeOf, processesWith, specOf, until } from './fixture.ts'

const MIB = 1 << 20
const isHard = (await findVolumeAbility(findTool)).ok
let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-volumes-'))
  chmodSync(directory, 0o755)
})
afterEach(async () => {
  await until(() => backingFiles().every((file) => !file.startsWith(directory)))
  rmSync(directory, { recursive: true, force: true })
})

const volume = (changes: Partial<VolumeSpec> = {}): VolumeSpec => ({
  folder: join(directory, 'scope'),
  name: 'data',
  at: '/data',
  bytes: 16 * MIB,
  files: 200,
  ...changes,
})
const image = () => join(directory, 'scope/data.ext4')

async function runWith(line: string, changes: Partial<LaunchSpec> = {}) {
  const heard: Access[] = []
  const limits = { ...ATTACK_LIMITS, fileBytes: 1024 * MIB }
  const onAccess = (access: Access) => heard.push(access)
  const confined = await driver.launch(specOf(line, { volumes: [volume()], limits, onAccess, ...changes }))
  return { ...(await outcomeOf(confined)), heard, usage: await confined.usage() }
}

/** What all loop devices of the host stand for. */
function backingFiles(): readonly string[] {
  return readdirSync('/sys/block').flatMap((device) => {
    try {
      return [readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').trim()]
    } catch {
      return []
    }
  })
}

it('the probe tells which of the two this host has', async () => {
  const probe = await driver.probe()
  assert.equal(probe.ok && probe.enforces.disk, isHard ? 'hard' : 'watched')
})

it('what is written to a volume is there the next time, and told of with its path inside', async () => {
  const first = await runWith('printf kept > /data/file; mkdir /data/d')
  assert.equal(first.reason, 'exited')
  assert.deepEqual(first.heard, [
    { kind: 'file', change: 'created', path: '/data/file', bytes: 4, digest: digestOf('kept') },
  ])
  const second = await runWith('cat /data/file; ls /data; rm /data/file')
  assert.deepEqual(second.lines, ['keptd', 'file'])
  assert.deepEqual(second.heard, [{ kind: 'file', change: 'removed', path: '/data/file' }])
})

it('a volume is not seen by anybody else', async () => {
  await runWith('printf kept > /data/file')
  const { lines } = await runWith('ls /data 2>/dev/null || echo nothing', { volumes: [] })
  assert.deepEqual(lines, ['nothing'])
})

if (isHard) {
  it('the file system itself ends at its size, and the command goes on', async () => {
    const { lines, reason } = await runWith('head -c 50000000 /dev/zero > /data/f 2>/dev/null || echo full; echo here')
    assert.deepEqual([lines, reason], [['full', 'here'], 'exited'])
    assert.equal(statSync(image()).size, 16 * MIB)
  })

  it('the file system itself ends at its number of files', async () => {
    const line = 'i=0; while : > /data/f$i; do i=$((i+1)); done 2>/dev/null; ls /data | wc -l'
    const { lines } = await runWith(`sh -c '${line}' || ls /data | wc -l`)
    assert.ok(Number(lines[0]) >= 190 && Number(lines[0]) < 300, lines[0])
  })

  it('what was freed is given back to the host', async () => {
    await runWith('head -c 12000000 /dev/zero | tr "\\0" x > /data/f; sync /data/f; rm /data/f; sync -f /data')
    await until(() => backingFiles().length === 0 || !backingFiles().includes(image()))
    assert.ok(statSync(image()).blocks * 512 < 8 * MIB, `${statSync(image()).blocks}`)
  })

  it('set-user-id programs and devices on a volume are of no use', async () => {
    const { lines } = await runWith('grep " /data " /proc/self/mountinfo')
    assert.match(lines[0] ?? '', /nosuid,nodev/)
  })

  it('one volume is in one sandbox at a time, and free again at once', { timeout: 30_000 }, async () => {
    const confined = await driver.launch(specOf('echo up; read line', { volumes: [volume()] }))
    const lines: string[] = []
    confined.onLine((line) => lines.push(String(line)))
    await until(() => lines.length > 0)
    await assert.rejects(runWith('echo second > /data/proof'), (fault: Error) => {
      assert.match(JSON.stringify(fault), /is in use/)
      return true
    })
    confined.kill('killed')
    await confined.exited
    assert.deepEqual((await runWith('ls /data')).lines, [])
  })

  it('of two launches at the same moment one gets the volume', { timeout: 30_000 }, async () => {
    const launch = () => runWith('sleep 5')
    const outcomes = await Promise.allSettled([launch(), launch()])
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  it('a volume grows when it may be larger', async () => {
    await runWith('printf kept > /data/file')
    const larger = { volumes: [volume({ bytes: 64 * MIB })] }
    const { lines } = await runWith('cat /data/file; head -c 40000000 /dev/zero > /data/f && echo fits', larger)
    assert.deepEqual(lines, ['keptfits'])
  })

  it('a volume follows its upstream to another account', async () => {
    await runWith('mkdir /data/d; printf kept > /data/d/file; chmod 700 /data/d')
    const { lines } = await runWith('cat /data/d/file; echo x > /data/d/new && echo wrote', {
      runAs: upstreamIdentity(8),
    })
    assert.deepEqual(lines, ['keptwrote'])
  })

  it('a damaged image is refused, and the command never runs', async () => {
    await runWith('true')
    await until(() => !backingFiles().includes(image()))
    const file = openSync(image(), 'r+')
    writeSync(file, Buffer.alloc(200_000, 0xa5), 0, 200_000, 1024)
    await assert.rejects(runWith('echo ran'), (fault: Error) => {
      assert.match(JSON.stringify(fault), /damaged/)
      return true
    })
  })

  it('kill -9 of the gateway leaves no process, no mount and no loop device, and the volume whole', async () => {
    const script = fileURLToPath(new URL('./volume-gateway.ts', import.meta.url))
    const folder = join(directory, 'scope')
    for (let round = 0; round < 6; round++) {
      const gateway = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'ignore'] })
      if (round % 2 === 0) await said(gateway, 'up')
      else await sleep(150 + round * 40)
      gateway.kill('SIGKILL')
      await once(gateway, 'close')
      await until(() => !backingFiles().includes(image()) && processesWith(image()).length === 0)
    }
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(directory))
    const { lines } = await runWith('cat /data/file', { volumes: [volume({ bytes: 8 * MIB, files: 100 })] })
    assert.deepEqual(lines, ['kept'])
    execFileSync('e2fsck', ['-f', '-n', image()], { stdio: 'ignore' })
  })
} else {
  it('the folder in its place is watched, and the sandbox that fills it ends', async () => {
    const { reason, heard } = await runWith('for n in 1 2 3; do head -c 10000000 /dev/zero > /data/f$n; done; sleep 60')
    assert.equal(reason, 'disk-quota')
    assert.ok(heard.some((access) => access.kind === 'refused' && access.wall === 'disk'))
  })
}

async function said(child: ChildProcess, word: string): Promise<void> {
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  await until(() => output.includes(word))
}
