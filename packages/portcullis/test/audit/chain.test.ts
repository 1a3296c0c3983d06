import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openAppendFile, type AppendFile, type OpenAppendFile } from '../../src/audit/append-file.ts'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { ChainInUse } from '../../src/audit/lock.ts'
import { ChainDamaged } from '../../src/audit/recover.ts'
import { readLast } from '../../src/audit/tail.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { callNumber, keys, newFolder, openChain } from './fixtures.ts'

const FILE = '000000000000001.jsonl'
const kinds = (directory: string) => readLast(directory, 100).map(({ kind }) => kind)

test('an append is in the file when it resolves', async () => {
  const directory = newFolder()
  const chain = openChain(directory)
  for (let n = 1; n <= 3; n++) {
    await chain.append(callNumber(n))
    assert.equal(readFileSync(`${directory}/${FILE}`, 'utf8').includes(`"incident-${n}"`), true)
  }
  assert.equal(statSync(`${directory}/${FILE}`).mode & 0o777, 0o600)
  await chain.close()
})

test('fifty writers at once get one place each', async () => {
  const directory = newFolder()
  const chain = openChain(directory)
  await Promise.all(Array.from({ length: 50 }, (_, n) => chain.append(callNumber(n))))
  await chain.close()
  const verdict = verifyChain({ directory, keys })
  assert.equal(verdict.sound && verdict.records, 52)
  assert.deepEqual(kinds(directory).slice(-2), ['stop', 'checkpoint'])
})

test('a chain goes on where it ended', async () => {
  const directory = newFolder()
  for (let n = 1; n <= 3; n++) {
    const chain = openChain(directory, { rules: { ...CHAIN_RULES, maxSegmentBytes: 700 } })
    await chain.append(callNumber(n))
    await chain.append(callNumber(n))
    await chain.close()
  }
  const verdict = verifyChain({ directory, keys })
  assert.equal(verdict.sound && verdict.records, 12)
})

test('a torn last line is cut off and recorded', async () => {
  const directory = newFolder()
  const chain = openChain(directory)
  await chain.append(callNumber(1))
  await chain.close()
  appendFileSync(`${directory}/${FILE}`, '{"seq":4,"prev":"torn')
  const again = openChain(directory)
  await again.append(callNumber(2))
  await again.close()
  assert.equal(verifyChain({ directory, keys }).sound, true)
  assert.deepEqual(kinds(directory), ['call', 'stop', 'checkpoint', 'recovered', 'call', 'stop', 'checkpoint'])
  const recovered = readLast(directory, 1, { kind: 'recovered' })[0]
  assert.partialDeepStrictEqual(recovered, { cause: 'torn-line', bytes: 21 })
})

test('a torn line alone in its file does not keep the chain closed', async () => {
  const directory = newFolder()
  writeFileSync(`${directory}/${FILE}`, '{"seq":1,')
  const chain = openChain(directory)
  await chain.append(callNumber(1))
  await chain.close()
  assert.equal(verifyChain({ directory, keys }).sound, true)
})

const DAMAGE: ReadonlyArray<readonly [title: string, damage: (text: string) => string]> = [
  ['a changed record', (text) => text.replace('"read"', '"reap"')],
  ['a missing record', (text) => text.slice(text.indexOf('\n') + 1)],
  ['a last line that is whole but no record', (text) => `${text}hello\n`],
  ['the records of another tenant', (text) => text.replaceAll('"acme"', '"mega"')],
]

for (const [title, damage] of DAMAGE) {
  test(`a chain with ${title} is not continued, and not touched`, async () => {
    const directory = newFolder()
    const chain = openChain(directory)
    await chain.append(callNumber(1))
    await chain.close()
    const path = `${directory}/${FILE}`
    const damaged = damage(readFileSync(path, 'utf8'))
    writeFileSync(path, damaged)
    assert.throws(() => openChain(directory), ChainDamaged)
    assert.equal(readFileSync(path, 'utf8'), damaged)
    assert.equal(existsSync(`${directory}/lock`), false)
  })
}

test('the records of another tenant do not open as ours', async () => {
  const directory = newFolder()
  const chain = openChain(directory, { tenant: 'mega' })
  await chain.append(callNumber(1))
  await chain.close()
  assert.throws(() => openChain(directory), /another tenant/)
})

test('a chain has one writer', async () => {
  const directory = newFolder()
  const chain = openChain(directory)
  assert.throws(() => openChain(directory), ChainInUse)
  await chain.append(callNumber(1))
  await chain.close()
  await openChain(directory).close()
})

test('a checkpoint follows after the given number of records', async () => {
  const directory = newFolder()
  const chain = openChain(directory, { rules: { ...CHAIN_RULES, checkpointRecords: 2 } })
  for (let n = 1; n <= 4; n++) await chain.append(callNumber(n))
  await chain.close()
  assert.deepEqual(kinds(directory).slice(0, 6), ['call', 'call', 'checkpoint', 'call', 'call', 'checkpoint'])
})

/** One commit after the other, with how many records each made durable. */
function counted() {
  const commits: number[] = []
  const chain = openChain(newFolder(), { onCommit: (records) => commits.push(records) })
  const call = (n: number): Promise<unknown> => {
    const intent = chain.append(callNumber(n))
    const outcome = {
      kind: 'outcome',
      incident: `incident-${n}`,
      outcome: 'answered',
      status: 200,
      durationMs: 1,
    } as const
    return Promise.all([intent, chain.append(outcome)])
  }
  return { chain, commits, call }
}

test('a commit waits for as many calls as the one before has let go', async () => {
  const { chain, commits, call } = counted()
  await Promise.all([call(1), call(2), call(3)])
  const first = call(4)
  await turn()
  const second = call(5)
  await turn()
  await Promise.all([first, second, call(6)])
  assert.deepEqual(commits, [6, 6])
  await chain.close()
})

test('whoever does not come back holds nobody up for long, and a caller alone waits for nothing', async () => {
  const { chain, commits, call } = counted()
  await Promise.all([call(1), call(2), call(3)])
  await call(4)
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    await call(5)
  } finally {
    mock.timers.reset()
  }
  assert.deepEqual(commits, [6, 2, 2])
  await chain.close()
})

/** For tests that hold the timers still. */
const AT_ONCE = { ...CHAIN_RULES, lingerMs: 0 }

test('a checkpoint follows after the given time, and none while nothing happens', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const directory = newFolder()
    const chain = openChain(directory, { rules: AT_ONCE })
    await chain.append(callNumber(1))
    mock.timers.tick(60_000)
    mock.timers.tick(600_000)
    await chain.append(callNumber(2))
    assert.deepEqual(kinds(directory), ['call', 'checkpoint', 'call'])
    await chain.close()
  } finally {
    mock.timers.reset()
  }
})

/** A disk that can be full. What is written to it then arrives in part, as it does on a real one. */
function fillableDisk() {
  const disk = { full: false, writes: 0 }
  const openFile: OpenAppendFile = async (directory, name) => {
    if (disk.full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    const file = await openAppendFile(directory, name)
    return {
      ...file,
      async append(bytes) {
        disk.writes++
        if (!disk.full) return file.append(bytes)
        await file.append(bytes.subarray(0, bytes.length >> 1))
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      },
    } satisfies AppendFile
  }
  return { disk, openFile }
}

test('a full disk breaks the trail until a record could be written again', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const directory = newFolder()
    const { disk, openFile } = fillableDisk()
    const health: unknown[] = []
    const chain = openChain(directory, { openFile, rules: AT_ONCE, onHealth: (error) => health.push(error) })
    await chain.append(callNumber(1))
    disk.full = true
    const lost = [chain.append(callNumber(2)), chain.append(callNumber(3))]
    for (const append of lost) await assert.rejects(append, { code: 'audit.unavailable' })
    assert.equal(chain.intact, false)
    const writes = disk.writes
    await assert.rejects(chain.append(callNumber(4)), { code: 'audit.unavailable' })
    assert.equal(disk.writes, writes)
    mock.timers.tick(1000)
    await settle()
    assert.equal(chain.intact, false)
    disk.full = false
    mock.timers.tick(1000)
    while (!chain.intact) await turn()
    await chain.append(callNumber(5))
    await chain.close()
    assert.deepEqual(kinds(directory), ['call', 'recovered', 'call', 'stop', 'checkpoint'])
    assert.equal(verifyChain({ directory, keys }).sound, true)
    assert.equal(health.length >= 2 && health.at(-1), undefined)
  } finally {
    mock.timers.reset()
  }
})

test('a disk that is full when a segment is due breaks the trail and loses nothing that was acknowledged', async () => {
  const directory = newFolder()
  const { disk, openFile } = fillableDisk()
  const rules = { ...CHAIN_RULES, maxSegmentBytes: 1, probeMs: 1 }
  const chain = openChain(directory, { openFile, rules })
  await chain.append(callNumber(1))
  disk.full = true
  await assert.rejects(chain.append(callNumber(2)), { code: 'audit.unavailable' })
  disk.full = false
  while (!chain.intact) await new Promise((resolve) => setTimeout(resolve, 1))
  await chain.append(callNumber(3))
  await chain.close()
  assert.deepEqual(kinds(directory), ['call', 'recovered', 'call', 'stop', 'checkpoint'])
  assert.equal(verifyChain({ directory, keys }).sound, true)
})

test('more than may wait for the disk is refused without breaking the chain', async () => {
  const directory = newFolder()
  const chain = openChain(directory, { rules: { ...CHAIN_RULES, maxPendingLength: 1000 } })
  const appends = Array.from({ length: 10 }, (_, n) => chain.append(callNumber(n)))
  const results = await Promise.allSettled(appends)
  const refused = results.filter(({ status }) => status === 'rejected').length
  assert.ok(refused > 0 && refused < 10)
  assert.equal(chain.intact, true)
  await chain.close()
  const verdict = verifyChain({ directory, keys })
  assert.equal(verdict.sound && verdict.records, 10 - refused + 2)
})

test('a closed chain takes nothing', async () => {
  const chain = openChain(newFolder())
  await chain.close()
  await assert.rejects(chain.append(callNumber(1)), { code: 'audit.unavailable' })
})

const settle = async () => {
  for (let n = 0; n < 50; n++) await turn()
}
