/** Writable folders through real sandboxes: limits that hold, changes that are told, and nothing that stays behind. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import fc from 'fast-check'
import type { Access } from '../../../src/sandbox/access.ts'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import type { LaunchSpec, Limits } from '../../../src/sandbox/driver.ts'
import { contentsOf, digestOf, fold } from '../folders/tree-of-files.ts'
import { driver, outcomeOf, runAs, specOf, until } from './fixture.ts'

const MIB = 1 << 20
let directory = ''
let work = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-work-'))
  chmodSync(directory, 0o755)
  work = join(directory, 'work')
  mkdirSync(work)
  give(work)
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function give(path: string): void {
  if (runAs !== undefined) chownSync(path, runAs.uid, runAs.gid)
}

const LIMITS: Limits = {
  ...ATTACK_LIMITS,
  memoryBytes: 256 * MIB,
  processes: 64,
  fileBytes: 1024 * MIB,
  diskBytes: 64 * MIB,
  diskFiles: 500,
}

function specFor(line: string, changes: Partial<LaunchSpec> = {}) {
  const heard: Access[] = []
  const limits = { ...LIMITS, ...changes.limits }
  const spec = specOf(line, {
    readWrite: [work],
    cwd: work,
    onAccess: (access) => heard.push(access),
    ...changes,
    limits,
  })
  return { spec, heard }
}

async function runIn(line: string, changes: Partial<LaunchSpec> = {}) {
  const { spec, heard } = specFor(line, changes)
  const confined = await driver.launch(spec)
  return { ...(await outcomeOf(confined)), heard, usage: await confined.usage() }
}

const diskRefusals = (heard: readonly Access[]) =>
  heard.filter((access) => access.kind === 'refused' && access.wall === 'disk')
const takenBytes = () => Number(execFileSync('du', ['-s', '-B1', work], { encoding: 'utf8' }).split('\t')[0])

/** Each of them would end with far more than its limit, were it not stopped. */
const FLOODS = [
  ['four large files at once', 'for n in 1 2 3 4; do head -c 250000000 /dev/zero > f$n & done; wait; sleep 60'],
  ['many medium files', 'i=0; while [ $i -lt 400 ]; do head -c 2000000 /dev/zero > f$i; i=$((i+1)); done; sleep 60'],
  [
    'files without a name',
    'for n in 4 5 6; do eval "exec $n>f; rm f; head -c 50000000 /dev/zero >&$n"; done; sleep 60',
  ],
] as const

for (const [what, line] of FLOODS) {
  it(`a flood of ${what} ends the sandbox, far from where it was going`, async () => {
    const { reason, heard } = await runIn(line)
    assert.equal(reason, 'disk-quota')
    assert.equal(diskRefusals(heard).length, 1)
    assert.ok(takenBytes() < 4 * 64 * MIB, `${takenBytes()}`)
  })
}

it('a flood of empty files ends the sandbox', async () => {
  const { reason, usage } = await runIn('i=0; while [ $i -lt 50000 ]; do : > f$i; i=$((i+1)); done; sleep 60')
  assert.equal(reason, 'disk-quota')
  assert.ok((usage.diskFiles ?? 0) > 500)
  assert.ok(readdirSync(work).length < 5000, `${readdirSync(work).length}`)
})

it('no file can claim room that it does not write', async () => {
  const { lines, reason } = await runIn('(fallocate -l 900M f || fallocate -l 1M f) 2>/dev/null || echo refused')
  assert.deepEqual([lines, reason], [['refused'], 'exited'])
  assert.ok(takenBytes() < MIB)
})

it('a tree that is too deep to be measured ends the sandbox', async () => {
  const { reason } = await runIn('i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done; sleep 60')
  assert.equal(reason, 'disk-quota')
})

it('sparse files and further names of a file take no room', async () => {
  const line =
    'truncate -s 60M sparse; head -c 30000000 /dev/zero > one; ln one two; ln one three; echo well; sleep 0.3'
  const { lines, reason, usage } = await runIn(line)
  assert.deepEqual([lines, reason], [['well'], 'exited'])
  assert.ok((usage.diskBytes ?? 0) < 40 * MIB)
})

it('without limits nothing is stopped, and the size is still told', async () => {
  const { diskBytes: _bytes, diskFiles: _files, ...limits } = LIMITS
  const { spec } = specFor('head -c 100000000 /dev/zero > f')
  const confined = await driver.launch({ ...spec, limits })
  assert.equal((await confined.exited).reason, 'exited')
  assert.ok(((await confined.usage()).diskBytes ?? 0) >= 100_000_000)
})

it('a folder that is full already refuses the start, and the command never runs', async () => {
  writeFileSync(join(work, 'big'), Buffer.alloc(2 * MIB))
  await assert.rejects(runIn('touch proof', { limits: { ...LIMITS, diskBytes: MIB } }), (fault: Error) => {
    assert.match(JSON.stringify(fault), /holds \d+ bytes/)
    return true
  })
  assert.deepEqual(readdirSync(work), ['big'])
})

it('each change is told, with the path inside, the size and the digest', async () => {
  writeFileSync(join(work, 'old'), 'old')
  writeFileSync(join(work, 'gone'), 'gone')
  for (const name of ['old', 'gone']) give(join(work, name))
  const { heard } = await runIn('printf new > old; rm gone; mkdir -p a/b; printf text > a/b/c; printf x > t; rm t')
  assert.deepEqual(
    heard.toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1)),
    [
      { kind: 'file', change: 'changed', path: join(work, 'old'), bytes: 3, digest: digestOf('new') },
      { kind: 'file', change: 'created', path: join(work, 'a/b/c'), bytes: 4, digest: digestOf('text') },
      { kind: 'file', change: 'removed', path: join(work, 'gone') },
    ],
  )
})

it('after a flush, what a call has changed is told, and nothing of the next one', async () => {
  const { spec, heard } = specFor('while read -r name; do printf x > "$name"; echo done; done')
  const confined = await driver.launch(spec)
  let answers = 0
  confined.onLine(() => answers++)
  for (let call = 1; call <= 10; call++) {
    confined.send(`file${call}`)
    await until(() => answers === call)
    await confined.flush()
    assert.deepEqual(
      heard.splice(0).map((access) => access.kind === 'file' && access.path),
      [join(work, `file${call}`)],
    )
  }
  await confined.stop()
  await confined.flush()
})

it('a folder that is swapped with a link all the time leads nowhere', async () => {
  const outside = join(directory, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'secret')
  const swap =
    'mkdir real; printf inside > real/file; ln -s ../outside link; echo up; while :; do mv -T real x; mv -T link real; mv -T real link; mv -T x real; done'
  const { spec, heard } = specFor(swap)
  const confined = await driver.launch(spec)
  let isUp = false
  confined.onLine(() => {
    isUp = true
  })
  await until(() => isUp)
  for (let round = 0; round < 60; round++) await confined.flush()
  confined.kill('killed')
  await confined.exited
  const text = JSON.stringify(heard)
  assert.match(text, /\/work\/(real|x)\/file"/)
  assert.ok(!text.includes('/secret') && !text.includes(digestOf('secret')))
})

it('pipes and names of any bytes are told of and block nothing', async () => {
  const line = `mkfifo pipe; perl -e 'open F, ">", "\\xff\\n"; print F "x"'; chmod 0 pipe`
  const { heard, reason } = await runIn(line)
  assert.equal(reason, 'exited')
  assert.deepEqual(heard.map((access) => (access.kind === 'file' ? access.path : '')).toSorted(), [
    join(work, '\\xff\\x0a'),
    join(work, 'pipe'),
  ])
})

it('a nested writable path is counted and told of once', async () => {
  mkdirSync(join(work, 'inner'))
  give(join(work, 'inner'))
  const { heard, usage } = await runIn('printf x > inner/file', { readWrite: [work, join(work, 'inner')] })
  assert.equal(heard.length, 1)
  assert.equal(usage.diskFiles, 2)
})

const name = fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/a', 'd/e', 'd')
const command = fc.oneof(
  fc.tuple(name, fc.stringMatching(/^[a-z]{0,9}$/)).map(([path, text]) => `printf '${text}' > ${path}`),
  fc.tuple(name, name).map(([from, to]) => `mv ${from} ${to}`),
  fc.tuple(name, name).map(([from, to]) => `ln ${from} ${to}`),
  name.map((path) => `rm -rf ${path}`),
  name.map((path) => `mkdir -p ${path}`),
  name.map((path) => `ln -s /nonexistent/outside ${path}`),
  name.map((path) => `truncate -s 70000 ${path}`),
  fc.constant('sleep 0.05'),
)

it('whatever is done inside, the reports fold to what is there in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      rmSync(work, { recursive: true })
      mkdirSync(work)
      writeFileSync(join(work, 'a'), 'first')
      for (const path of [work, join(work, 'a')]) give(path)
      const before = contentsOf(work)
      const { heard, reason } = await runIn(`exec 2>/dev/null; ${commands.join('; ')}; :`)
      assert.equal(reason, 'exited')
      assert.deepEqual(fold(before, heard), contentsOf(work))
    }),
    { numRuns: 15 },
  )
})

it('forty sandboxes with folders leave no descriptor', async () => {
  const count = () => readdirSync('/proc/self/fd').length
  await runIn('true')
  const before = count()
  for (let round = 0; round < 10; round++)
    await Promise.all(Array.from({ length: 4 }, () => runIn('echo x > f$$; mkdir d$$')))
  assert.ok(count() <= before, `${before} before, ${count()} after`)
})
