import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointSigner } from '../../src/audit/checkpoint.ts'
import { cutChain, cutPayloads } from '../../src/audit/cut.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'

const change = { kind: 'change', what: 'x' } as const

test('a cut ends with the checkpoint that was asked for, whatever is written behind it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-cut-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const signer = checkpointSigner(generateKeyPairSync('ed25519').privateKey)
  const rules = { ...CHAIN_RULES, maxSegmentBytes: 1_000 }
  const options = { directory, signer, clock: { now: () => 1 }, rules, program: 'p', weaknesses: [] }
  const first = await ChainLedger.open({ ...options, tenants: ['b'] })
  await first.close()
  const ledger = await ChainLedger.open({ ...options, tenants: ['a'] })
  for (let n = 0; n < 20; n++) await ledger.append('a', change)
  const ends = await ledger.checkpoints()
  assert.deepEqual(ends.map(({ tenant }) => tenant).toSorted(), ['a', 'b'], 'those that are not open are signed too')
  const end = ends.find(({ tenant }) => tenant === 'a')
  assert.ok(end)
  const before = cutChain(join(directory, 'a'), end)
  for (let n = 0; n < 20; n++) await ledger.append('a', change)
  const after = cutChain(join(directory, 'a'), end)
  assert.deepEqual(
    after.map(({ path, bytes }) => [path, bytes]),
    before.map(({ path, bytes }) => [path, bytes]),
  )
  assert.ok(before.length > 1)
  assert.deepEqual(
    before.map(({ isOver }) => isOver),
    before.map((_, n) => n < before.length - 1),
  )
  await ledger.close()
  assert.throws(
    () => cutChain(join(directory, 'a'), { sequence: end.sequence, hash: 'f'.repeat(64) }),
    /does not hold the record/,
  )
  await assert.rejects(ledger.checkpoints(), { code: 'audit.unavailable' })
})

test('of payloads a line that is being written is left out', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-cut-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  assert.deepEqual(cutPayloads(directory), [])
  const folder = join(directory, 'payloads')
  mkdirSync(folder)
  writeFileSync(join(folder, '000000000000001.jsonl'), '{"n":1}\n')
  writeFileSync(join(folder, '000000000000002.jsonl'), '{"n":2}\n')
  const { size } = statSync(join(folder, '000000000000002.jsonl'))
  appendFileSync(join(folder, '000000000000002.jsonl'), '{"n":3')
  assert.deepEqual(cutPayloads(directory), [
    { path: 'payloads/000000000000001.jsonl', bytes: 8, isOver: true },
    { path: 'payloads/000000000000002.jsonl', bytes: size, isOver: false },
  ])
})
