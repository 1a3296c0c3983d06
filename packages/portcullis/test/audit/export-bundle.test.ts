import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { exportBundle } from '../../src/audit/export-bundle.ts'
import { verifyBundle } from '../../src/audit/verify-bundle.ts'
import { callNumber, keys, newFolder, openChain, privateKey, signer } from './fixtures.ts'

const BEGAN = 1_700_000_000_000
const MINUTE = 60_000

async function bundle(from?: number, to?: number) {
  const directory = newFolder()
  let now = BEGAN
  const rules = { ...CHAIN_RULES, maxSegmentBytes: 1_500, checkpointRecords: 4 }
  const chain = openChain(directory, { clock: { now: () => now }, rules })
  for (let n = 0; n < 30; n++) {
    await chain.append(callNumber(n))
    now += MINUTE
  }
  await chain.close()
  const out = `${newFolder()}/bundle`
  const manifest = await exportBundle({
    ...{ directory, tenant: 'acme', out, keyId: signer.keyId, privateKey, publicKeys: keys, program: 'test', now },
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  })
  return { out, manifest }
}

test('a piece of a chain verifies by itself, up to the signature after it', async () => {
  const { out, manifest } = await bundle(BEGAN + 10 * MINUTE, BEGAN + 15 * MINUTE)
  const verdict = verifyBundle({ folder: out, keys })
  assert.ok(verdict.sound, JSON.stringify(verdict))
  assert.ok(manifest && manifest.from.sequence > 0 && manifest.records >= 5 && manifest.records < 15)
  assert.equal(manifest.last.sequence - manifest.signedSequence, 1, 'it ends with a checkpoint')
})

test('a whole chain verifies too, and a time without records makes nothing', async () => {
  const { out, manifest } = await bundle()
  assert.ok(verifyBundle({ folder: out, keys }).sound)
  assert.deepEqual(manifest?.from, { sequence: 0, hash: '0'.repeat(64) })
  const nothing = await bundle(BEGAN - 9 * MINUTE, BEGAN - 8 * MINUTE)
  assert.equal(nothing.manifest, undefined)
  assert.equal(existsSync(nothing.out), false)
})

test('whatever is changed, removed or added to a bundle is found', async () => {
  const { out } = await bundle(BEGAN + 3 * MINUTE)
  const parts = readdirSync(`${out}/chain`).map((name) => `chain/${name}`)
  const [first = '', second = ''] = parts
  const files = ['manifest.json', 'manifest.sig', first, second, `keys/${signer.keyId}.pem`]
  assert.ok(parts.length > 2)
  for (const file of files) {
    const text = readFileSync(`${out}/${file}`, 'utf8')
    for (const edited of [
      text.slice(0, -2),
      text.replace(/[a-f]/, 'Z'),
      `${text} `.replace(' ', file === 'manifest.sig' ? 'A' : ' '),
    ]) {
      writeFileSync(`${out}/${file}`, edited)
      if (edited !== text)
        assert.equal(verifyBundle({ folder: out, keys }).sound, false, `${file}: ${edited.slice(-20)}`)
    }
    writeFileSync(`${out}/${file}`, text)
  }
  writeFileSync(`${out}/chain/000000000000099.jsonl`, '{}\n')
  assert.equal(verifyBundle({ folder: out, keys }).sound, false)
  rmSync(`${out}/chain/000000000000099.jsonl`)
  assert.ok(verifyBundle({ folder: out, keys }).sound)
  const { publicKey } = generateKeyPairSync('ed25519')
  assert.equal(verifyBundle({ folder: out, keys: new Map([['other', publicKey]]) }).sound, false)
  assert.equal(verifyBundle({ folder: out, keys: new Map([[signer.keyId, publicKey]]) }).sound, false)
})
