import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { pin } from '../../../src/sandbox/bind.ts'
import { confirmMounts, mountFlags } from '../../../src/sandbox/container/mounts.ts'
import { namelessFile } from '../../../src/sandbox/container/nameless.ts'
import { environmentFile } from '../../../src/sandbox/container/variables.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'portcullis-mounts-')))
after(() => rmSync(directory, { recursive: true }))

it('a path that was swapped after it was checked is found out', () => {
  const path = join(directory, 'shown')
  mkdirSync(path)
  const pinned = [pin(path, 'read-only', [])]
  assert.doesNotThrow(() => confirmMounts(pinned, process.pid))
  renameSync(path, `${path}.old`)
  mkdirSync(path)
  assert.throws(() => confirmMounts(pinned, process.pid), { code: 'sandbox.start_failed' })
  rmSync(path, { recursive: true })
  assert.throws(() => confirmMounts(pinned, process.pid), { code: 'sandbox.start_failed' })
  for (const { descriptor } of pinned) closeSync(descriptor)
})

it('what belongs to the gateway is hidden inside what is mounted', () => {
  const state = join(directory, 'state')
  const key = join(directory, 'key')
  mkdirSync(state)
  writeFileSync(key, '')
  const pinned = [pin(directory, 'read-write', [])]
  assert.deepEqual(mountFlags('docker', pinned, [state, key]), [
    `--mount=type=bind,src=${directory},dst=${directory}`,
    `--tmpfs=${state}:ro,nosuid,nodev,size=4096,mode=0`,
    `--mount=type=bind,src=/dev/null,dst=${key},ro`,
  ])
  assert.ok(mountFlags('podman', pinned, [state])[1]?.endsWith(',notmpcopyup'), 'podman would copy what is hidden')
  for (const { descriptor } of pinned) closeSync(descriptor)
})

it('a path cannot add an option', () => {
  for (const name of ['a,rw', 'a:b', 'a"b', 'a\nb']) {
    const path = join(directory, name)
    mkdirSync(path)
    const pinned = [pin(path, 'read-only', [])]
    assert.throws(() => mountFlags('podman', pinned, []), { code: 'sandbox.start_failed' }, name)
    for (const { descriptor } of pinned) closeSync(descriptor)
  }
})

it('variables are lines, and none can become two', () => {
  assert.equal(
    environmentFile(
      new Map([
        ['A', 'b=c "d" #e'],
        ['F', ''],
      ]),
    ),
    'A=b=c "d" #e\nF=\n',
  )
  for (const value of ['a\nB=c', 'a\rb']) {
    assert.throws(() => environmentFile(new Map([['A', value]])), { code: 'sandbox.start_failed' })
  }
})

it('a file without a name is read by its descriptor, and has no name', () => {
  const descriptor = namelessFile('text')
  assert.equal(readFileSync(`/dev/fd/${descriptor}`, 'utf8'), 'text')
  assert.match(readlinkSync(`/proc/self/fd/${descriptor}`), / \(deleted\)$/)
  closeSync(descriptor)
})
