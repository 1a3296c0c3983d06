import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../../src/core/clock.ts'
import type { FileAccess } from '../../../src/sandbox/access.ts'
import { FolderIndex } from '../../../src/sandbox/folders/folder-index.ts'
import { contentsOf, digestOf, fold, makeFolder, removeFolder } from './tree-of-files.ts'

let folder = ''
let descriptor = -1
let changes: FileAccess[] = []

beforeEach(() => {
  folder = makeFolder()
  descriptor = openSync(folder, 'r')
})
afterEach(() => {
  closeSync(descriptor)
  removeFolder(folder)
})

async function indexed(changesOfOptions: { hidden?: ReadonlySet<string>; maxEntries?: number } = {}) {
  changes = []
  const index = new FolderIndex({
    descriptor,
    shown: '/work',
    hidden: new Set(),
    clock: systemClock,
    maxEntries: 10_000,
    onChange: (change) => changes.push(change),
    isHeard: () => true,
    onEnter: () => {},
    onForget: () => {},
    ...changesOfOptions,
  })
  await index.refreshAll()
  return index
}

const openDescriptors = () => readdirSync('/proc/self/fd').length

it('nothing of what was there before is a change', async () => {
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'a/b'), 'text')
  const index = await indexed()
  await index.refreshAll()
  assert.deepEqual(changes, [])
  assert.equal(index.size.files, 2)
})

it('each file that was created, changed or removed is told with size and digest', async () => {
  writeFileSync(join(folder, 'old'), 'old')
  writeFileSync(join(folder, 'gone'), 'gone')
  const index = await indexed()
  writeFileSync(join(folder, 'old'), 'changed')
  rmSync(join(folder, 'gone'))
  mkdirSync(join(folder, 'new'))
  writeFileSync(join(folder, 'new/file'), 'new')
  await index.refreshAll()
  assert.deepEqual(
    changes.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    [
      { kind: 'file', change: 'removed', path: '/work/gone' },
      { kind: 'file', change: 'created', path: '/work/new/file', bytes: 3, digest: digestOf('new') },
      { kind: 'file', change: 'changed', path: '/work/old', bytes: 7, digest: digestOf('changed') },
    ],
  )
})

it('a change that keeps the size and sets the time back is seen', async () => {
  const path = join(folder, 'file')
  writeFileSync(path, 'aaaa')
  utimesSync(path, 1000, 1000)
  const index = await indexed()
  writeFileSync(path, 'bbbb')
  utimesSync(path, 1000, 1000)
  await index.refreshAll()
  assert.deepEqual(changes, [
    { kind: 'file', change: 'changed', path: '/work/file', bytes: 4, digest: digestOf('bbbb') },
  ])
})

it('no link is followed, neither to count nor to report', async () => {
  const outside = makeFolder()
  writeFileSync(join(outside, 'secret'), 'x'.repeat(100_000))
  const index = await indexed()
  symlinkSync(outside, join(folder, 'link'))
  symlinkSync(join(outside, 'secret'), join(folder, 'file'))
  await index.refreshAll()
  assert.deepEqual(changes.map(({ path, digest }) => `${path} ${digest}`).toSorted(), [
    '/work/file undefined',
    '/work/link undefined',
  ])
  assert.ok(index.size.bytes < 100_000)
  removeFolder(outside)
})

it('a folder that became a link is left, with all that was in it', async () => {
  mkdirSync(join(folder, 'sub'))
  writeFileSync(join(folder, 'sub/file'), 'x')
  const index = await indexed()
  rmSync(join(folder, 'sub'), { recursive: true })
  symlinkSync('/etc', join(folder, 'sub'))
  await index.refreshAll()
  assert.deepEqual(
    changes.map(({ change, path }) => [change, path]),
    [
      ['removed', '/work/sub/file'],
      ['created', '/work/sub'],
    ],
  )
})

it('pipes and names of any bytes neither block nor confuse', async () => {
  const index = await indexed()
  execFileSync('mkfifo', [join(folder, 'pipe')])
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a, 0x41])]), 'x')
  await index.refreshAll()
  assert.deepEqual(changes.map(({ path }) => path).toSorted(), ['/work/\\xff\\x0aA', '/work/pipe'])
})

it('large files are told without a digest', async () => {
  const index = await indexed()
  writeFileSync(join(folder, 'limit'), Buffer.alloc(1 << 20))
  writeFileSync(join(folder, 'large'), Buffer.alloc((1 << 20) + 1))
  await index.refreshAll()
  const digests = new Map(changes.map(({ path, digest }) => [path, digest]))
  assert.equal(digests.get('/work/limit'), digestOf(Buffer.alloc(1 << 20)))
  assert.equal(digests.get('/work/large'), undefined)
})

it('a sparse file takes what it holds, a file with two names takes it once', async () => {
  writeFileSync(join(folder, 'sparse'), '')
  truncateSync(join(folder, 'sparse'), 1e9)
  writeFileSync(join(folder, 'one'), Buffer.alloc(1 << 20, 1))
  linkSync(join(folder, 'one'), join(folder, 'two'))
  const { bytes, files } = (await indexed()).size
  assert.ok(bytes < 1.5 * (1 << 20), `${bytes}`)
  assert.equal(files, 3)
})

it('what belongs to the gateway is neither counted nor reported', async () => {
  mkdirSync(join(folder, 'state'))
  const { dev, ino } = lstatSync(join(folder, 'state'))
  const index = await indexed({ hidden: new Set([`${dev}:${ino}`]) })
  writeFileSync(join(folder, 'state/key'), 'secret')
  await index.refreshAll()
  assert.deepEqual(changes, [])
  assert.equal(index.size.files, 0)
})

it('more entries than are remembered are still counted', async () => {
  for (let file = 0; file < 30; file++) writeFileSync(join(folder, `f${file}`), 'x')
  const index = await indexed({ maxEntries: 10 })
  assert.deepEqual([index.isPartial, index.entries, index.size.files], [true, 10, 30])
  writeFileSync(join(folder, 'new'), 'x')
  await index.refreshAll()
  assert.deepEqual(changes, [])
  assert.equal(index.size.files, 31)
})

it('a tree that is too deep is said to be, and costs no more descriptors', async () => {
  let path = folder
  for (let depth = 0; depth < 250; depth++) {
    path = join(path, 'd')
    mkdirSync(path)
  }
  const before = openDescriptors()
  const index = await indexed()
  assert.match(index.blindSpot ?? '', /lies too deep$/)
  assert.equal(openDescriptors(), before)
})

it('a folder that its owner has closed cannot be measured, but by root', async () => {
  mkdirSync(join(folder, 'closed'), { mode: 0 })
  const { blindSpot } = await indexed()
  chmodSync(join(folder, 'closed'), 0o700)
  assert.equal(blindSpot, process.getuid?.() === 0 ? undefined : '/work/closed cannot be looked into')
})

const NAMES = ['a', 'b', 'c', 'a/x', 'a/y', 'b/x', 'b/a', 'b/a/z', 'c/\n']
const name = fc.constantFrom(...NAMES)
const step = fc.oneof(
  fc.record({ kind: fc.constant('write'), name, text: fc.string() }),
  fc.record({ kind: fc.constant('append'), name, text: fc.string({ minLength: 1 }) }),
  fc.record({ kind: fc.constantFrom('remove', 'folder', 'link', 'look'), name, text: fc.constant('') }),
  fc.record({ kind: fc.constantFrom('rename', 'hard link'), name, text: name }),
)

/** What cannot be done in this state is left out. */
function perform(kind: string, path: string, text: string): void {
  try {
    if (kind === 'write') writeFileSync(path, text)
    else if (kind === 'append') appendFileSync(path, text)
    else if (kind === 'remove') rmSync(path, { recursive: true })
    else if (kind === 'folder') mkdirSync(path)
    else if (kind === 'link')
      symlinkSync('/nonexistent/outside', path) // a write through it must not reach anything
    else if (kind === 'rename') renameSync(path, join(folder, text))
    else if (kind === 'hard link') linkSync(path, join(folder, text))
  } catch {
    // A name is taken, missing, or of the wrong kind.
  }
}

it('whatever happens, the reports fold to what is there, and the size is that of a first look', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true })
      writeFileSync(join(folder, 'a'), 'first')
      const before = contentsOf(folder, '/work')
      const index = await indexed()
      for (const { kind, name: path, text } of steps) {
        if (kind === 'look') await index.refreshAll()
        else if (!text.includes('\0') || kind === 'write') perform(kind, join(folder, path), text)
      }
      await index.refreshAll()
      const reported = fold(before, changes)
      const real = contentsOf(folder, '/work')
      const escaped = Object.fromEntries(Object.entries(real).map(([path, is]) => [path.replace('\n', '\\x0a'), is]))
      assert.deepEqual(reported, escaped)
      const found = changes
      const { size } = await indexed()
      assert.deepEqual(index.size, size, JSON.stringify(found))
    }),
    { numRuns: 60 },
  )
})
