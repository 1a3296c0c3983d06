import assert from 'node:assert/strict'
import { readdirSync, unlinkSync, writeFileSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { appendFiles } from '../../src/audit/append-file.ts'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'
import type { LegalHold } from '../../src/audit/legal-hold.ts'
import { PayloadFiles } from '../../src/audit/payload-file.ts'
import { Retention, type RetentionOptions } from '../../src/audit/retention.ts'
import { quietBefore } from '../../src/audit/retention-due.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { callNumber, keys, newFolder, openChain, quickFiles, signer } from './fixtures.ts'

const openFile = appendFiles(quickFiles)
const DAY = 86_400_000
const HOLD: LegalHold = { name: 'case-1', reason: 'asked by court', by: 'key:a', since: 0 }

/** A ledger of ten days, some segments each day, and the retention over it. */
async function tenDays(more: Partial<RetentionOptions> = {}) {
  const directory = newFolder()
  const time = { now: 1_700_000_000_000, uptime: 0 }
  const clock = { now: () => time.now }
  const rules = { ...CHAIN_RULES, maxSegmentBytes: 1_500, checkpointRecords: 3 }
  const ledger = await ChainLedger.open({
    ...{ directory, signer, clock, rules, openFile, program: 'test', weaknesses: [], tenants: ['acme'] },
  })
  const store = new PayloadFiles({ directory, openFile, maxSegmentBytes: 300 })
  const problems: unknown[] = []
  const pass = (ms: number) => {
    time.now += ms
    time.uptime += ms
  }
  for (let day = 0; day < 10; day++) {
    for (let n = 0; n < 4; n++) {
      const payload = { ...(await store.append({ tenant: 'acme', incident: 'i', kind: 'arguments' }, 'x')), bytes: 1 }
      await ledger.append('acme', { ...callNumber(n), payload })
    }
    pass(DAY)
  }
  const retention = new Retention({
    ...{ directory, ledger, clock, uptimeMs: () => time.uptime },
    ruleOf: () => ({ days: 5 }),
    holdsIn: () => [],
    guards: [],
    onProblem: (_, problem) => problems.push(problem),
    ...more,
  })
  const folder = `${directory}/acme`
  return {
    ...{ directory, folder, ledger, store, retention, time, pass, problems },
    names: () =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.jsonl'))
        .toSorted(),
    /** Announces, lets checkpoints follow, removes. */
    async sweep() {
      await retention.sweep()
      for (let n = 0; n < 4; n++) await ledger.append('acme', callNumber(n))
      await retention.sweep()
    },
    async end() {
      await retention.close()
      await ledger.close()
      await store.close()
      return verifyChain({ directory: folder, keys })
    },
  }
}

test('old segments go, the rest verifies from a beginning that a signed record names, and their payloads go too', async () => {
  const scene = await tenDays()
  const before = scene.names()
  const payloadsBefore = readdirSync(`${scene.folder}/payloads`).length
  await scene.sweep()
  const left = scene.names()
  assert.ok(left.length < before.length && left[0] !== before[0], `${left.length} of ${before.length}`)
  const payloadsLeft = readdirSync(`${scene.folder}/payloads`).length
  assert.ok(payloadsLeft < payloadsBefore, `${payloadsLeft} of ${payloadsBefore} files of payloads`)
  const verdict = await scene.end()
  assert.ok(verdict.sound, JSON.stringify(verdict))
  assert.deepEqual(scene.problems, [])
  const chain = openChain(scene.folder)
  await chain.append(callNumber(1))
  await chain.close()
  const known = { sequence: 1, hash: 'f'.repeat(64) }
  assert.ok(verifyChain({ directory: scene.folder, keys, known }).sound, 'it goes on after another start')
})

test('a chain whose beginning went without such a record does not verify, nor with a record that nobody signed', async () => {
  const scene = await tenDays()
  await scene.sweep()
  const [first = ''] = scene.names()
  assert.ok((await scene.end()).sound)
  const text = readFileSync(`${scene.folder}/${first}`)
  unlinkSync(`${scene.folder}/${first}`)
  assert.equal(verifyChain({ directory: scene.folder, keys }).sound, false)
  writeFileSync(`${scene.folder}/${first}`, text)
  assert.ok(verifyChain({ directory: scene.folder, keys }).sound)
})

test('nothing is removed before the record of it is signed', async () => {
  const scene = await tenDays()
  const before = scene.names()
  await scene.retention.sweep()
  await scene.retention.sweep()
  assert.ok(before.every((name) => scene.names().includes(name)))
  await scene.end()
})

const KEPT: readonly (readonly [why: string, more: Partial<RetentionOptions>])[] = [
  ['a legal hold stands', { holdsIn: () => [HOLD] }],
  [
    'the holds cannot be read',
    {
      holdsIn: () => {
        throw new Error('damaged')
      },
    },
  ],
  ['somebody still needs the first record', { guards: [{ oldestNeeded: () => 1 }] }],
  ['the tenant keeps everything', { ruleOf: () => undefined }],
  ['nothing is old enough', { ruleOf: () => ({ days: 300 }) }],
  ['there is room', { ruleOf: () => ({ maxBytes: 10_000_000 }) }],
]

for (const [why, more] of KEPT) {
  test(`nothing is removed while ${why}`, async () => {
    const scene = await tenDays(more)
    const before = scene.names()
    await scene.sweep()
    assert.ok(before.every((name) => scene.names().includes(name)))
    assert.ok((await scene.end()).sound)
  })
}

test('a hold that comes after the announcement still keeps everything', async () => {
  const holds: LegalHold[] = []
  const scene = await tenDays({ holdsIn: () => holds })
  const before = scene.names()
  await scene.retention.sweep()
  holds.push(HOLD)
  for (let n = 0; n < 4; n++) await scene.ledger.append('acme', callNumber(n))
  await scene.retention.sweep()
  assert.ok(before.every((name) => scene.names().includes(name)))
  holds.pop()
  await scene.sweep()
  assert.notEqual(scene.names()[0], before[0], 'and no longer once it is lifted')
  assert.ok((await scene.end()).sound)
})

test('a hold that comes between two files keeps the second, and all payloads', async () => {
  let asked = 0
  // Asked once before the announcement, and once before each file.
  const scene = await tenDays({ holdsIn: () => (++asked > 2 ? [HOLD] : []) })
  const [before, payloads] = [scene.names(), readdirSync(`${scene.folder}/payloads`)]
  await scene.sweep()
  const left = scene.names()
  assert.deepEqual(
    before.filter((name) => !left.includes(name)),
    before.slice(0, 1),
  )
  assert.ok(payloads.every((name) => readdirSync(`${scene.folder}/payloads`).includes(name)))
  assert.ok((await scene.end()).sound)
})

test('after a start with a clock that may be years ahead nothing is removed for a day', async () => {
  const scene = await tenDays({ quietMs: 8 * DAY })
  const before = scene.names()
  await scene.sweep()
  assert.ok(before.every((name) => scene.names().includes(name)))
  assert.match(String(scene.problems[0]), /nothing was recorded for long/)
  scene.pass(DAY)
  await scene.sweep()
  assert.notEqual(scene.names()[0], before[0])
  assert.ok((await scene.end()).sound)
})

test('how long nothing was recorded before the last start is told by the chain', async () => {
  const directory = newFolder()
  assert.equal(quietBefore(`${directory}/acme`), 0)
  for (const [at, quiet] of [
    [1_000_000, 0],
    [1_000_000 + 30 * DAY, 30 * DAY],
  ] as const) {
    const clock = { now: () => at }
    const rules = CHAIN_RULES
    const ledger = await ChainLedger.open({
      ...{ directory, signer, clock, rules, openFile, program: 'test', weaknesses: [], tenants: ['acme'] },
    })
    await ledger.append('acme', callNumber(1))
    assert.equal(quietBefore(`${directory}/acme`), quiet)
    await ledger.close()
  }
})

test('what a guard needs, and all after it, stays', async () => {
  const scene = await tenDays({ guards: [{ oldestNeeded: () => undefined }, { oldestNeeded: () => 12 }] })
  await scene.sweep()
  const [first = ''] = scene.names()
  assert.ok(Number(first.slice(0, 15)) > 1 && Number(first.slice(0, 15)) <= 12, first)
  assert.ok((await scene.end()).sound)
})

test('the oldest go while there is too much', async () => {
  const scene = await tenDays({ ruleOf: () => ({ maxBytes: 12_000 }) })
  const before = scene.names().length
  await scene.sweep()
  assert.ok(scene.names().length < before)
  assert.ok((await scene.end()).sound)
})

test('a clock that jumps ahead removes nothing for a day', async () => {
  const scene = await tenDays({ ruleOf: () => ({ days: 100 }) })
  const before = scene.names()
  scene.time.now += 365 * DAY
  await scene.sweep()
  assert.ok(before.every((name) => scene.names().includes(name)))
  assert.match(String(scene.problems[0]), /clock has jumped/)
  scene.time.now -= 365 * DAY
  scene.pass(2 * DAY)
  await scene.sweep()
  await scene.sweep()
  assert.ok(
    before.every((name) => scene.names().includes(name)),
    'and nothing after it has come back',
  )
  assert.ok((await scene.end()).sound)
})

test('a chain that nobody writes to any more ends its last segment, so that it can go', async () => {
  const scene = await tenDays()
  await scene.sweep()
  scene.pass(30 * DAY)
  const newest = scene.names().at(-1) as string
  await scene.sweep()
  assert.ok(!scene.names().includes(newest))
  assert.ok((await scene.end()).sound)
})
