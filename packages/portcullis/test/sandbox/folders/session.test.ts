import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { systemClock } from '../../../src/core/clock.ts'
import type { Access } from '../../../src/sandbox/access.ts'
import { GrowthMeter } from '../../../src/sandbox/folders/growth.ts'
import type { SessionRequest } from '../../../src/sandbox/folders/messages.ts'
import { Session } from '../../../src/sandbox/folders/session.ts'
import { contentsOf, fold, makeFolder, removeFolder } from './tree-of-files.ts'

let folder = ''
let descriptor = -1
beforeEach(() => {
  folder = makeFolder()
  descriptor = openSync(folder, 'r')
})
afterEach(() => {
  closeSync(descriptor)
  removeFolder(folder)
})

/** No process has this id, so that nothing is killed. */
const NOBODY = { initPid: 0x7fff_fff0 }

type Limits = SessionRequest['paths'][number]['limits']

async function opened(limits: Limits = {}, { listsChanges = true, cheapLookMs = 25, maxNotices = 8192 } = {}) {
  const heard: Access[] = []
  const told = { exceeded: 0, floods: 0 }
  const session = new Session({
    request: {
      paths: [{ descriptor, shown: '/work', kind: 'folder', limits }],
      hidden: [],
      members: NOBODY,
      listsChanges,
    },
    meter: new GrowthMeter(),
    clock: systemClock,
    cheapLookMs,
    maxNotices,
    onAccesses: (accesses) => heard.push(...accesses),
    onUsage: () => {},
    onExceeded: () => {
      told.exceeded++
    },
    onFlood: () => {
      told.floods++
    },
  })
  return { session, heard, told, reason: await session.open() }
}

const until = async (condition: () => boolean) => {
  while (!condition()) await sleep(2)
}
const paths = (heard: readonly Access[]) => heard.map((access) => (access.kind === 'file' ? access.path : access.kind))

it('a change is told without being asked for, in a folder that is new too', async () => {
  const { session, heard } = await opened()
  mkdirSync(join(folder, 'new/deep'), { recursive: true })
  writeFileSync(join(folder, 'new/deep/first'), '1')
  await until(() => heard.length === 1)
  writeFileSync(join(folder, 'new/deep/second'), '2')
  await until(() => heard.length === 2)
  assert.deepEqual(paths(heard), ['/work/new/deep/first', '/work/new/deep/second'])
  await session.end()
})

it('after a flush everything before it is told', async () => {
  const { session, heard } = await opened()
  for (let round = 1; round <= 20; round++) {
    writeFileSync(join(folder, `file${round}`), 'x')
    await session.flush()
    assert.equal(heard.length, round)
  }
  await session.end()
})

it('a folder that moves takes its watch along', async () => {
  mkdirSync(join(folder, 'a/b'), { recursive: true })
  const { session, heard } = await opened()
  renameSync(join(folder, 'a'), join(folder, 'c'))
  await session.flush()
  writeFileSync(join(folder, 'c/b/file'), 'x')
  await until(() => heard.length === 1)
  assert.deepEqual(paths(heard), ['/work/c/b/file'])
  await session.end()
})

it('a folder that holds too much already is refused with the reason', async () => {
  writeFileSync(join(folder, 'big'), Buffer.alloc(100_000))
  const { session, reason } = await opened({ bytes: 50_000 })
  assert.match(reason ?? '', /^\/work holds \d+ bytes/)
  session.close()
})

for (const [what, limits, fill] of [
  ['bytes', { bytes: 1 << 20 }, () => writeFileSync(join(folder, 'big'), Buffer.alloc(2 << 20))],
  [
    'files',
    { files: 10 },
    () => {
      for (let file = 0; file < 11; file++) mkdirSync(join(folder, `d${file}`))
    },
  ],
] as const) {
  it(`too many ${what} are told once, with the sizes`, async () => {
    const { session, heard, told } = await opened(limits, { listsChanges: false })
    fill()
    await until(() => told.exceeded > 0)
    await session.flush()
    await session.end()
    assert.equal(told.exceeded, 1)
    assert.deepEqual(
      heard.map((access) => access.kind === 'refused' && access.wall),
      ['disk'],
    )
  })
}

it('what was written too much before the end is found at the end', async () => {
  const { session, told } = await opened({ files: 3 }, { listsChanges: false })
  for (let file = 0; file < 4; file++) writeFileSync(join(folder, `f${file}`), '')
  await session.end()
  assert.equal(told.exceeded, 1)
})

it('a flood of notices ends the watching, and the changes are told all the same', async () => {
  const { session, heard, told } = await opened({}, { maxNotices: 100 })
  for (let round = 0; round < 200; round++) writeFileSync(join(folder, `f${round % 2}`), `${round}`)
  await until(() => told.floods === 1)
  writeFileSync(join(folder, 'after'), 'x')
  await until(() => paths(heard).includes('/work/after'))
  await session.end()
  assert.deepEqual(fold({}, heard), contentsOf(folder, '/work'))
})

it('nothing stays open after the end, and nothing more is told', async () => {
  const before = readdirSync('/proc/self/fd').length
  const { session, heard } = await opened({ bytes: 1 << 30 })
  const asked = Promise.all([session.flush(), session.end(), session.end()])
  await asked
  writeFileSync(join(folder, 'late'), 'x')
  await sleep(150)
  assert.deepEqual(heard, [])
  assert.ok(readdirSync('/proc/self/fd').length <= before + 1) // one descriptor of libuv's for all watches
})

for (const [looks, cheapLookMs] of [
  ['full', 1e9],
  ['partial', -1],
] as const) {
  it(`whatever happens between flushes, the reports of ${looks} looks fold to what is there`, async () => {
    const names = fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/a')
    const batch = fc.array(fc.tuple(names, fc.option(fc.string())), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 6 }), async (batches) => {
        for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true })
        const { session, heard } = await opened({}, { cheapLookMs })
        for (const steps of batches) {
          for (const [name, content] of steps) {
            mkdirSync(join(folder, 'd/e'), { recursive: true })
            if (content === null) rmSync(join(folder, name.split('/')[0] ?? ''), { recursive: true, force: true })
            else writeFileSync(join(folder, name), content)
          }
          await session.flush()
          assert.deepEqual(fold({}, heard), contentsOf(folder, '/work'))
        }
        await session.end()
      }),
      { numRuns: 40 },
    )
  })
}
