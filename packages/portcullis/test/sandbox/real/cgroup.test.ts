import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { createCgroup, findCgroups, sweepCgroups } from '../../../src/sandbox/cgroup.ts'
import { ownMark } from '../../../src/sandbox/mark.ts'

const host = findCgroups()
const LIMITS = { memoryBytes: 64 << 20, processes: 9 }

it('a group holds its limits and its process, and is gone when destroyed', {
  skip: host.processes === undefined,
}, async () => {
  const directory = host.processes?.directory ?? ''
  const before = readdirSync(directory)
  const cgroup = await createCgroup(host, LIMITS)
  const [name = ''] = readdirSync(directory).filter(
    (entry) => entry.startsWith('portcullis-') && !before.includes(entry),
  )
  const child = spawn('/bin/sleep', ['60'])
  await cgroup.join(child.pid ?? 0)
  assert.equal(readFileSync(join(directory, name, 'pids.max'), 'utf8').trim(), '9')
  assert.equal(readFileSync(join(directory, name, 'cgroup.procs'), 'utf8').trim(), `${child.pid}`)
  assert.equal(await cgroup.ranOutOfMemory(), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await cgroup.destroy()
  assert.ok(!existsSync(join(directory, name)))
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
