import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { createCgroup } from '../../../src/sandbox/cgroup/group.ts'
import { findCgroups } from '../../../src/sandbox/cgroup/host.ts'
import { sweepCgroups } from '../../../src/sandbox/cgroup/remove.ts'
import { OWN_PROCESSES } from '../../../src/sandbox/cgroup/settings.ts'
import { startChild } from '../../../src/sandbox/child.ts'
import { DescriptorTable } from '../../../src/sandbox/descriptors.ts'
import { ownMark } from '../../../src/sandbox/mark.ts'

const host = findCgroups()
const LIMITS = { memoryBytes: 64 << 20, processes: 9, cpus: 0.5 }

it('a process joins by itself, what it starts is counted, and the group is gone when destroyed', {
  skip: host.processes === undefined,
}, async () => {
  const directory = host.processes?.directory ?? ''
  const before = readdirSync(directory)
  const cgroup = await createCgroup(host, { ...LIMITS, isFreezable: true })
  const [name = ''] = readdirSync(directory).filter(
    (entry) => entry.startsWith('portcullis-') && !before.includes(entry),
  )
  const table = new DescriptorTable()
  const doors = cgroup.openDoors().map((descriptor) => table.lend(descriptor))
  const script = `${doors.map((door) => `echo 0 >&${door}`).join(' && ')} && { sleep 60 & } && echo in && wait`
  const child = await startChild(['/bin/sh', '-c', script], { environment: {}, cwd: '/', table })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  assert.equal(readFileSync(join(directory, name, 'pids.max'), 'utf8').trim(), `${9 + OWN_PROCESSES}`)
  assert.equal(
    readFileSync(join(directory, name, 'cgroup.procs'), 'utf8')
      .trim()
      .split('\n').length,
    2,
  )
  assert.ok((cgroup.usage().memoryBytes ?? 0) > 0)
  assert.deepEqual(cgroup.refusals(), { memory: 0, processes: 0 })
  const freezer = cgroup.freezer?.directory ?? ''
  assert.equal(readFileSync(join(freezer, 'cgroup.procs'), 'utf8').trim().split('\n').length, 2)
  await cgroup.destroy() // kills what is still in it
  assert.ok(!existsSync(join(directory, name)) && !existsSync(freezer))
  assert.ok((cgroup.usage().peakMemoryBytes ?? 0) > 0)
  assert.equal(cgroup.usage().memoryBytes, 0)
})

it('groups of gateways that are gone are swept, those of living ones stay', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-cgroup-'))
  const namespace = ownMark().split('-')[1]
  mkdirSync(join(directory, `portcullis-${namespace}-999999999-1-1`))
  mkdirSync(join(directory, `portcullis-${namespace}-${process.pid}-1-1`)) // this process id, at another start time
  mkdirSync(join(directory, 'portcullis-1-999999999-1-1')) // of another process namespace, where the id means another
  mkdirSync(join(directory, 'somebody-else'))
  mkdirSync(join(directory, `${ownMark()}-1`))
  const controller = { version: 1, directory } as const
  assert.equal(await sweepCgroups({ memory: controller, processes: undefined }), 2)
  assert.deepEqual(
    readdirSync(directory).sort(),
    ['portcullis-1-999999999-1-1', `${ownMark()}-1`, 'somebody-else'].sort(),
  )
  rmSync(directory, { recursive: true })
})

it('a host that refuses is a fault, and nothing is left', async () => {
  const controller = { version: 1, directory: '/proc/self' } as const
  await assert.rejects(createCgroup({ memory: controller, processes: undefined }, LIMITS), {
    code: 'sandbox.start_failed',
  })
})
