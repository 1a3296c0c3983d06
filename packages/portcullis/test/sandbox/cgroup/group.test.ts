/** Directories of plain files stand for control groups of both versions. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { readRefusals, readUsage } from '../../../src/sandbox/cgroup/counters.ts'
import { createCgroup } from '../../../src/sandbox/cgroup/group.ts'
import { chooseGroups } from '../../../src/sandbox/cgroup/host.ts'
import { settingsFor } from '../../../src/sandbox/cgroup/settings.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'portcullis-group-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function place(files: Readonly<Record<string, string>>, path = ''): string {
  const directory = join(root, path)
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const LIMITS = { memoryBytes: 1000, processes: 7, cpus: 0.25 }
const texts = (entries: ReturnType<typeof settingsFor>) =>
  entries.flatMap(({ role, settings }) => settings.map(({ file, value }) => `${role} ${file}=${value}`))

it('version 1: one hierarchy for each controller', () => {
  for (const name of ['memory', 'pids', 'cpu', 'cpuacct', 'freezer']) place({}, name)
  const groups = ['memory', 'pids', 'cpu', 'cpuacct', 'freezer'].map((name) => `1:${name}:/`).join('\n')
  const mounts = ['memory', 'pids', 'cpu', 'cpuacct', 'freezer']
    .map((name) => `1 2 0:3 / ${root}/${name} rw - cgroup cgroup rw,${name}`)
    .join('\n')
  const host = chooseGroups(`${groups}\n0::/`, `${mounts}\n1 2 0:3 / ${root}/unified rw - cgroup2 cgroup2 rw`)
  assert.deepEqual(
    Object.entries(host).map(([role, controller]) => [role, controller?.version]),
    [
      ['memory', 1],
      ['processes', 1],
      ['cpu', 1],
      ['cpuTime', 1],
      ['freezer', 1],
    ],
  )
  assert.deepEqual(texts(settingsFor(host, LIMITS)), [
    'memory memory.limit_in_bytes=1000',
    'memory memory.memsw.limit_in_bytes=1000',
    'memory memory.swappiness=0',
    'processes pids.max=9',
    'cpu cpu.cfs_period_us=100000',
    'cpu cpu.cfs_quota_us=25000',
  ])
})

it('version 2: one group for all, when its controllers are handed on', () => {
  place({ 'cgroup.subtree_control': 'cpu memory pids\n' }, 'service')
  const table = `1 2 0:3 / ${root} rw - cgroup2 cgroup2 rw`
  const host = chooseGroups('0::/service', table)
  assert.deepEqual(
    new Set(Object.values(host).map((controller) => controller?.directory)),
    new Set([join(root, 'service')]),
  )
  assert.deepEqual(texts(settingsFor(host, LIMITS)), [
    'memory memory.max=1000',
    'memory memory.swap.max=0',
    'memory memory.oom.group=1',
    'processes pids.max=9',
    'cpu cpu.max=25000 100000',
  ])
  place({ 'cgroup.subtree_control': 'pids\n' }, 'service')
  const { memory, processes } = chooseGroups('0::/service', table)
  assert.deepEqual([memory, processes?.version], [undefined, 2])
  assert.equal(chooseGroups('0::/missing', table).processes, undefined)
  assert.equal(chooseGroups('', '').memory, undefined)
})

it('a group that may use all processors has no share, and no freezer unless it was asked for', () => {
  const controller = { version: 2, directory: root } as const
  const host = { memory: undefined, processes: undefined, cpu: controller, freezer: controller }
  assert.deepEqual(settingsFor(host, { memoryBytes: 1, processes: 1 }), [])
  const roles = settingsFor(host, { memoryBytes: 1, processes: 1, isFreezable: true }).map(({ role }) => role)
  assert.deepEqual(roles, ['freezer'])
})

it('a limit that the kernel does not take is a fault, and the group is removed', async () => {
  const controller = { version: 2, directory: root } as const
  // A plain directory has no pids.max, and it is not made by opening it for writing.
  await assert.rejects(createCgroup({ memory: undefined, processes: controller }, LIMITS), {
    code: 'sandbox.start_failed',
  })
  assert.deepEqual(readdirSync(root), [])
})

it('without controllers there is a group of nothing', async () => {
  const cgroup = await createCgroup({ memory: undefined, processes: undefined }, LIMITS)
  assert.deepEqual([cgroup.openDoors(), cgroup.membersFile, cgroup.usage()], [[], undefined, {}])
  await cgroup.destroy()
})

it('counts in both versions, and leaves out what a kernel does not count', () => {
  const first = {
    version: 1,
    directory: place({ 'cpuacct.usage': '2500000\n', 'memory.usage_in_bytes': '4096\n' }, 'a'),
  } as const
  assert.deepEqual(readUsage({ memory: first, processes: first, cpuTime: first }), { cpuMs: 3, memoryBytes: 4096 })
  writeFileSync(join(first.directory, 'memory.oom_control'), 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n')
  assert.deepEqual(readRefusals({ memory: first, processes: first }), { memory: 2, processes: 0 })
  const files = {
    'cpu.stat': 'usage_usec 5000\nuser_usec 1\n',
    'memory.current': '8192\n',
    'memory.peak': '9000\n',
    'memory.events': 'low 0\noom 3\noom_kill 1\n',
    'pids.current': '5\n',
    'pids.events': 'max 4\n',
  }
  const second = { version: 2, directory: place(files, 'b') } as const
  assert.deepEqual(readUsage({ memory: second, processes: second, cpuTime: second }), {
    cpuMs: 5,
    memoryBytes: 8192,
    peakMemoryBytes: 9000,
    processes: 3,
  })
  assert.deepEqual(readRefusals({ memory: second, processes: second }), { memory: 1, processes: 4 })
})
