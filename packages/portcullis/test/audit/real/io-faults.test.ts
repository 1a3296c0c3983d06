// Every step at which a disk can fail, one after the other: what was acknowledged is there afterwards, what was not is gone,
// and the chain goes on once the disk does.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { appendFiles, type FileSystem } from '../../../src/audit/append-file.ts'
import { CHAIN_RULES, type Chain } from '../../../src/audit/chain.ts'
import { isHeld } from '../../../src/audit/lock.ts'
import { readLast } from '../../../src/audit/tail.ts'
import { verifyChain } from '../../../src/audit/verify.ts'
import { callNumber, keys, newFolder, openChain, quickFiles } from '../fixtures.ts'

const STEPS = ['open', 'write', 'fsync', 'fdatasync', 'ftruncate', 'close'] as const
type Step = (typeof STEPS)[number] | 'short write'

/** Fails the given step the `nth` time, `times` times in a row, and counts how often each is taken. */
function failing(step: Step, nth: number, code: string, times = 1) {
  const taken = new Map<string, number>()
  const fails = (name: Step): boolean => {
    const count = (taken.get(name) ?? 0) + 1
    taken.set(name, count)
    return name === step && count >= nth && count < nth + times
  }
  const error = () => Object.assign(new Error(`${code}: injected`), { code })
  const guarded =
    <A extends readonly unknown[], R>(name: Step, act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (fails(name)) throw error()
      return act(...args)
    }
  const system: FileSystem = {
    ...quickFiles,
    open: guarded('open', quickFiles.open),
    fsync: guarded('fsync', quickFiles.fsync),
    fdatasync: guarded('fdatasync', quickFiles.fdatasync),
    ftruncate: guarded('ftruncate', quickFiles.ftruncate),
    close: guarded('close', quickFiles.close),
    async write(file, bytes, offset) {
      if (fails('write')) throw error()
      if (!fails('short write')) return quickFiles.write(file, bytes, offset)
      // As at the end of a disk: some bytes still fit, and then none.
      await quickFiles.write(file, bytes.subarray(0, offset + Math.ceil((bytes.length - offset) / 2)), offset)
      throw error()
    },
  }
  return { openFile: appendFiles(system), taken }
}

const RULES = { ...CHAIN_RULES, maxSegmentBytes: 900, checkpointRecords: 4, probeMs: 1 }

/** Twelve calls, each asked again until it is acknowledged; the incidents of those that were. */
async function scene(directory: string, chain: Chain): Promise<readonly string[]> {
  const acknowledged: string[] = []
  for (let n = 0; n < 12; n++) {
    const body = { ...callNumber(n), incident: `${n}` }
    await chain.append(body).then(
      () => acknowledged.push(body.incident),
      () => undefined,
    )
    for (let waited = 0; !chain.intact && waited < 500; waited++) await sleep(1)
    assert.ok(chain.intact, 'the chain goes on')
  }
  // What is written is durable by then, so a file that does not close loses nothing.
  await chain.close().catch(() => undefined)
  assert.equal(isHeld(directory), false, 'the chain can be opened again')
  const verdict = verifyChain({ directory, keys })
  assert.ok(verdict.sound, JSON.stringify(verdict))
  return acknowledged
}

function mustHold(directory: string, acknowledged: readonly string[]): void {
  const records = readLast(directory, 1_000, { kind: 'call' })
  const present = records.map((record) => ('incident' in record ? record.incident : ''))
  assert.deepEqual(
    acknowledged.filter((incident) => !present.includes(incident)),
    [],
  )
  assert.equal(new Set(present).size, present.length, 'no call is there twice')
}

const clean = failing('write', 0, '')
const untouched = newFolder()
await scene(untouched, openChain(untouched, { openFile: clean.openFile, rules: RULES }))

for (const step of [...STEPS, 'short write'] as const) {
  test(`whichever ${step} fails, no acknowledged record is lost and the chain goes on`, async () => {
    const places = step === 'short write' ? 8 : Math.min(12, (clean.taken.get(step) ?? 0) + 2)
    for (let nth = 1; nth <= places; nth++) {
      for (const [code, times] of [
        ['ENOSPC', 1],
        ['EIO', 3],
      ] as const) {
        const directory = newFolder()
        const { openFile } = failing(step, nth, code, times)
        const acknowledged = await scene(directory, openChain(directory, { openFile, rules: RULES }))
        mustHold(directory, acknowledged)
      }
    }
  })
}

test('on a full disk nothing is acknowledged, and what was before is still there when space is back', async () => {
  const directory = newFolder()
  let isFull = false
  const full = async (): Promise<number> => {
    throw Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' })
  }
  const openFile = appendFiles({
    ...quickFiles,
    write: (file, bytes, offset) => (isFull ? full() : quickFiles.write(file, bytes, offset)),
  })
  const chain = openChain(directory, { openFile, rules: { ...CHAIN_RULES, probeMs: 1 } })
  await chain.append(callNumber(1))
  isFull = true
  for (let n = 0; n < 5; n++) {
    await assert.rejects(chain.append(callNumber(2)), { code: 'audit.unavailable' })
    await sleep(3)
  }
  isFull = false
  while (!chain.intact) await sleep(1)
  await chain.append(callNumber(3))
  await chain.close()
  assert.ok(verifyChain({ directory, keys }).sound)
  const calls = readLast(directory, 100, { kind: 'call' }).map((record) =>
    'incident' in record ? record.incident : '',
  )
  assert.deepEqual(calls, ['incident-1', 'incident-3'])
})

type Harm = readonly [what: string, harm: (directory: string, file: string) => void]

const HARM: readonly Harm[] = [
  ['is removed', (directory) => rmSync(directory, { recursive: true })],
  ['is removed and made again', (directory) => (rmSync(directory, { recursive: true }), mkdirSync(directory))],
  ['is moved away', (directory) => renameSync(directory, `${directory}-moved`)],
]

for (const [what, harm] of HARM) {
  test(`nothing is acknowledged any more when the folder ${what} while it is written`, async () => {
    const directory = `${newFolder()}/chain`
    const chain = openChain(directory, { rules: { ...CHAIN_RULES, probeMs: 1 } })
    await chain.append(callNumber(1))
    harm(directory, `${directory}/000000000000001.jsonl`)
    await assert.rejects(chain.append(callNumber(2)), { code: 'audit.unavailable' })
    await sleep(20)
    assert.equal(chain.intact, false, 'it does not begin anew by itself')
    await chain.close()
  })
}

test('a file that was made shorter is not filled up', async () => {
  const directory = newFolder()
  let fails = false
  const openFile = appendFiles({
    ...quickFiles,
    write: (file, bytes, offset) => (fails ? Promise.reject(new Error('EIO')) : quickFiles.write(file, bytes, offset)),
  })
  const chain = openChain(directory, { openFile, rules: { ...CHAIN_RULES, probeMs: 1 } })
  await chain.append(callNumber(1))
  fails = true
  await assert.rejects(chain.append(callNumber(2)))
  truncateSync(`${directory}/000000000000001.jsonl`, 10)
  fails = false
  await sleep(20)
  assert.equal(chain.intact, false)
  assert.equal(readFileSync(`${directory}/000000000000001.jsonl`).length, 10)
  await chain.close()
})

test('a clock that jumps back and forth leaves a chain that verifies', async () => {
  const directory = newFolder()
  let now = 1_700_000_000_000
  const chain = openChain(directory, { clock: { now: () => now }, rules: RULES })
  for (const jump of [0, 86_400_000 * 365, -86_400_000 * 800, 3_600_000, -now, 86_400_000]) {
    now += jump
    await chain.append(callNumber(1))
  }
  await chain.close()
  assert.ok(verifyChain({ directory, keys }).sound)
})
