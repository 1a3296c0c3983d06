import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointKeyId, checkpointSigner } from '../../src/audit/checkpoint.ts'
import { sealLine } from '../../src/audit/line.ts'
import { segmentsOf } from '../../src/audit/lines.ts'
import { GENESIS, type AuditRecord, type Position, type RecordBody } from '../../src/audit/record.ts'
import { verifyChain, type SoundChain, type Verdict } from '../../src/audit/verify.ts'
import { callNumber, keys, newFolder, openChain } from './fixtures.ts'

const FILE = '000000000000001.jsonl'
const directory = newFolder()
const path = `${directory}/${FILE}`
let original: Buffer
let last: Position

before(async () => {
  const chain = openChain(directory, { rules: { ...CHAIN_RULES, checkpointRecords: 2 } })
  for (let n = 1; n <= 3; n++) await chain.append(callNumber(n))
  await chain.close()
  original = readFileSync(path)
  last = chain.head
})

function verdictOn(content: Buffer | string, options: { known?: Position } = {}): Verdict {
  writeFileSync(path, content)
  try {
    return verifyChain({ directory, keys, ...options })
  } finally {
    writeFileSync(path, original)
  }
}

const broken = (verdict: Verdict): string => {
  assert.equal(verdict.sound, false)
  return verdict.sound ? '' : verdict.problem
}

test('a chain that nobody touched is sound, and says how far signatures reach', () => {
  const verdict = verifyChain({ directory, keys, known: last })
  assert.deepEqual(verdict, {
    sound: true,
    tenant: 'acme',
    records: 6,
    checkpoints: 2,
    last,
    signedSequence: 5,
    witnessed: 0,
  } satisfies SoundChain)
})

test('every flipped byte is found', () => {
  for (let at = 0; at < original.length; at++) {
    const changed = Buffer.from(original)
    changed[at] = (changed[at] as number) ^ 1
    broken(verdictOn(changed))
  }
})

test('a line that is missing, doubled or moved is found, with its place', () => {
  const lines = original.toString().split('\n').slice(0, -1)
  const without = lines.toSpliced(2, 1)
  const doubled = lines.toSpliced(2, 0, lines[2] as string)
  const moved = [lines[1], lines[0], ...lines.slice(2)]
  for (const [changed, line] of [
    [without, 3],
    [doubled, 4],
    [moved, 1],
    [lines.slice(1), 1],
  ] as const) {
    const verdict = verdictOn(`${changed.join('\n')}\n`)
    assert.equal(verdict.sound, false)
    assert.deepEqual([!verdict.sound && verdict.file, !verdict.sound && verdict.line], [FILE, line])
  }
})

test('a chain that was cut is found by the position that was noted elsewhere', () => {
  const lines = original.toString().split('\n')
  for (let keep = 1; keep < 6; keep++) {
    const cut = `${lines.slice(0, keep).join('\n')}\n`
    assert.equal(verdictOn(cut).sound, true)
    assert.match(broken(verdictOn(cut, { known: last })), /lacks the known record 6/)
  }
})

test('a chain cut inside a line is found, unless the gateway is still writing it', () => {
  const cut = original.subarray(0, original.length - 10)
  assert.match(broken(verdictOn(cut)), /not complete/)
  writeFileSync(path, cut)
  const verdict = verifyChain({ directory, keys, state: 'growing' })
  writeFileSync(path, original)
  assert.equal(verdict.sound && verdict.records, 5)
})

/** Somebody who can write the file, knows the format and computes every hash anew. */
function rewritten(change: (record: AuditRecord) => RecordBody): string {
  let position = GENESIS
  let text = ''
  for (const line of original.toString().split('\n').slice(0, -1)) {
    const record = JSON.parse(line) as AuditRecord
    const { seq: _seq, prev: _prev, at, tenant, hash: _hash, ...body } = change(record) as AuditRecord
    const sealed = sealLine(position, at, JSON.stringify(tenant), body)
    position = { sequence: position.sequence + 1, hash: sealed.hash }
    text += sealed.text
  }
  return text
}

test('a rewritten chain whose hashes are right is found by its signatures', () => {
  assert.equal(
    rewritten((record) => record),
    original.toString(),
  )
  const forged = rewritten((record) => (record.kind === 'call' ? { ...record, principal: 'key:other' } : record))
  assert.match(broken(verdictOn(forged)), /signature of the checkpoint is not valid/)
})

test('a chain that was signed anew with another key is found', () => {
  const thief = checkpointSigner(generateKeyPairSync('ed25519').privateKey)
  const forged = rewritten((record) => (record.kind === 'checkpoint' ? { ...record, key: thief.keyId } : record))
  assert.match(broken(verdictOn(forged)), /unknown key/)
  assert.notEqual(thief.keyId, [...keys.keys()][0])
})

test('a signature has one form only', () => {
  const padded = rewritten((record) =>
    record.kind === 'checkpoint' ? { ...record, signature: `${record.signature}==` } : record,
  )
  assert.match(broken(verdictOn(padded)), /signature/)
})

test('segments follow each other, and one that is missing is found', async () => {
  const own = newFolder()
  const chain = openChain(own, { rules: { ...CHAIN_RULES, maxSegmentBytes: 900 } })
  for (let n = 1; n <= 8; n++) await chain.append(callNumber(n))
  await chain.close()
  const segments = segmentsOf(own)
  assert.ok(segments.length >= 4)
  assert.equal(verifyChain({ directory: own, keys }).sound, true)
  copyFileSync(`${own}/${segments[1]}`, `${own}/kept`)
  rmSync(`${own}/${segments[1]}`)
  assert.match(broken(verifyChain({ directory: own, keys })), new RegExp(`${segments[1]} is missing`))
})

test('an empty folder is no proof of anything', () => {
  assert.match(broken(verifyChain({ directory: newFolder(), keys })), /no records/)
})

test('the id of a key is the beginning of the digest of its public half', () => {
  for (const [id, key] of keys) assert.equal(checkpointKeyId(key), id)
})
