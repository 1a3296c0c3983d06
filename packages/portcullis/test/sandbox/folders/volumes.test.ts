import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import type { VolumeSpec } from '../../../src/sandbox/driver.ts'
import { prepareVolumes } from '../../../src/sandbox/folders/volumes.ts'
import { ownMark } from '../../../src/sandbox/mark.ts'
import { makeFolder, removeFolder } from './tree-of-files.ts'

let folder = ''
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => removeFolder(folder))

const WATCHED = { ok: false, reason: 'only root can mount a volume' } as const
/** Any program that leaves the file as it is. */
const HARD = { ok: true, mkfs: '/bin/true' } as const
const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

const volume = (changes: Partial<VolumeSpec> = {}): VolumeSpec => ({
  folder: join(folder, 'scope'),
  name: 'data',
  at: '/data',
  bytes: 1 << 20,
  files: 100,
  ...changes,
})

it('where nothing can be mounted the volume is a folder with the same limits', async () => {
  const prepared = await prepareVolumes([volume()], WATCHED, undefined)
  const source = join(folder, 'scope/data')
  assert.deepEqual(prepared, [{ kind: 'folder', source, at: '/data', bytes: 1 << 20, files: 100 }])
  assert.equal(statSync(source).mode & 0o777, 0o700)
})

it('where it can, it is a sparse file for the gateway alone, which stays as it is', async () => {
  const [prepared] = await prepareVolumes([volume()], HARD, OWNER)
  const source = join(folder, 'scope/data.ext4')
  assert.deepEqual(prepared, { kind: 'image', source, at: '/data', bytes: 1 << 20, owner: OWNER })
  const { size, mode, blocks, ino } = statSync(source)
  assert.deepEqual([size, mode & 0o777, blocks], [1 << 20, 0o600, 0])
  await prepareVolumes([volume({ bytes: 2 << 20 })], HARD, OWNER)
  assert.equal(statSync(source).ino, ino)
})

it('a volume that cannot be made is a fault, and leaves nothing', async () => {
  const failing = { ok: true, mkfs: '/bin/false' } as const
  await assert.rejects(prepareVolumes([volume()], failing, OWNER), { code: 'sandbox.start_failed' })
  assert.deepEqual(readdirSync(join(folder, 'scope')), [])
})

it('a volume does not shrink', async () => {
  await prepareVolumes([volume({ bytes: 2 << 20 })], HARD, OWNER)
  await assert.rejects(prepareVolumes([volume()], HARD, OWNER), { code: 'sandbox.start_failed' })
})

it('what was written in one form is never hidden behind the other', async () => {
  await prepareVolumes([volume()], WATCHED, undefined)
  await assert.rejects(prepareVolumes([volume()], HARD, OWNER), { code: 'sandbox.start_failed' })
  assert.equal(existsSync(join(folder, 'scope/data.ext4')), false)
  await prepareVolumes([volume({ name: 'other' })], HARD, OWNER)
  await assert.rejects(prepareVolumes([volume({ name: 'other' })], WATCHED, undefined), {
    code: 'sandbox.start_failed',
  })
})

it('an image that is no file is refused', async () => {
  mkdirSync(join(folder, 'scope/data.ext4'), { recursive: true })
  await assert.rejects(prepareVolumes([volume()], HARD, OWNER), { code: 'sandbox.start_failed' })
})

const WRONG: readonly Partial<VolumeSpec>[] = [
  { name: '' },
  { name: '../data' },
  { name: 'Data' },
  { name: 'a'.repeat(64) },
  { at: 'data' },
  { at: '/data/' },
  { at: '/data/../etc' },
  { at: '/data\0' },
  { at: '/' },
  { at: '/tmp' },
  { at: '/etc/x' },
  { at: '/proc/self' },
  { at: '/usr/local/data' },
  { bytes: 0 },
  { bytes: Number.NaN },
  { files: -1 },
  { files: 1.5 },
]

for (const wrong of WRONG) {
  it(`a volume with ${JSON.stringify(wrong)} is refused, and nothing is made`, async () => {
    await assert.rejects(prepareVolumes([volume(wrong)], HARD, OWNER), { code: 'sandbox.start_failed' })
    assert.deepEqual(readdirSync(folder), [])
  })
}

it('two volumes in one place are refused', async () => {
  await assert.rejects(prepareVolumes([volume(), volume({ name: 'more' })], HARD, OWNER), {
    code: 'sandbox.start_failed',
  })
})

it('a draft that a killed gateway left is removed', async () => {
  mkdirSync(join(folder, 'scope'))
  const dead = ownMark().replace(/-\d+$/, '-1') // the same process id, at another time
  writeFileSync(join(folder, `scope/data.ext4.${dead}-1`), 'half')
  await prepareVolumes([volume()], HARD, OWNER)
  assert.deepEqual(readdirSync(join(folder, 'scope')), ['data.ext4'])
})
