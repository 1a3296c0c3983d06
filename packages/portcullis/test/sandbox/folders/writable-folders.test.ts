import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Access } from '../../../src/sandbox/access.ts'
import { WritableFolders, type WritablePath } from '../../../src/sandbox/folders/writable-folders.ts'
import { digestOf, makeFolder, removeFolder } from './tree-of-files.ts'

let folder = ''
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => removeFolder(folder))

const NOBODY = { initPid: 0x7fff_fff0 }

function foldersOf(
  paths: ReadonlyArray<Pick<WritablePath, 'limits'> & { path: string }>,
  hidden: readonly string[] = [],
) {
  const heard: Access[] = []
  const folders = new WritableFolders({ hidden, onAccess: (access) => heard.push(access) })
  for (const { path, limits } of paths) {
    const descriptor = openSync(path, 'r')
    folders.add({ descriptor, shown: path, limits })
    closeSync(descriptor)
  }
  return { folders, heard }
}

it('without a path there is nothing to do', async () => {
  const { folders } = foldersOf([])
  await folders.start({ members: NOBODY, onQuota: () => assert.fail() })
  await folders.flush()
  await folders.close()
  assert.deepEqual([folders.usage, folders.isExceeded], [{}, false])
})

it('what was changed before a flush is told after it, and the size is known', async () => {
  const { folders, heard } = foldersOf([{ path: folder, limits: {} }])
  await folders.start({ members: NOBODY, onQuota: () => assert.fail() })
  writeFileSync(join(folder, 'a'), 'text')
  await folders.flush()
  const path = join(folder, 'a')
  assert.deepEqual(heard, [{ kind: 'file', change: 'created', path, bytes: 4, digest: digestOf('text') }])
  assert.equal(folders.usage.diskFiles, 1)
  await folders.close()
})

it('a single file is told when it was changed', async () => {
  const path = join(folder, 'file')
  writeFileSync(path, 'old')
  const { folders, heard } = foldersOf([{ path, limits: { bytes: 1 } }])
  await folders.start({ members: NOBODY, onQuota: () => assert.fail() })
  await folders.flush()
  writeFileSync(path, 'new!')
  await folders.close()
  assert.deepEqual(heard, [{ kind: 'file', change: 'changed', path, bytes: 4, digest: digestOf('new!') }])
})

it('a folder that is full already refuses the start, and nothing stays open', async () => {
  writeFileSync(join(folder, 'big'), Buffer.alloc(100_000))
  const { folders } = foldersOf([{ path: folder, limits: { bytes: 1000 } }])
  await assert.rejects(folders.start({ members: NOBODY, onQuota: () => assert.fail() }), {
    code: 'sandbox.start_failed',
  })
  await folders.close()
  assert.deepEqual(openFolders(), [])
})

it('a limit that is passed kills, and shows in the end', async () => {
  const { folders, heard } = foldersOf([{ path: folder, limits: { bytes: 1 << 20 } }])
  const kills: string[] = []
  const onQuota = () => kills.push('killed')
  await folders.start({ members: NOBODY, onQuota })
  writeFileSync(join(folder, 'big'), Buffer.alloc(2 << 20))
  while (kills.length === 0) await sleep(1)
  await folders.close()
  assert.deepEqual([kills, folders.isExceeded], [['killed'], true])
  assert.ok(heard.some((access) => access.kind === 'refused' && access.wall === 'disk'))
  assert.deepEqual(openFolders(), [])
})

it('ten thousand changes leave the event loop free', async () => {
  const { folders, heard } = foldersOf([{ path: folder, limits: {} }])
  await folders.start({ members: NOBODY, onQuota: () => assert.fail() })
  for (let file = 0; file < 10_050; file++) writeFileSync(join(folder, `${file}`), '')
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await folders.close()
  clearInterval(timer)
  assert.ok(turns > 5, `${turns}`)
  assert.equal(heard.filter(({ kind }) => kind === 'file').length, 10_000)
  assert.deepEqual(heard.at(-1), { kind: 'refused', wall: 'file', what: '50 more changes of files are not listed' })
})

const openFolders = () =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readdirSync(`/proc/self/fd/${descriptor}`) !== undefined && descriptor !== '.'
    } catch {
      return false
    }
  })
