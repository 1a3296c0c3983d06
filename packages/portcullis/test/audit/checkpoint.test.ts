import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  checkpointKeyId,
  checkpointSigner,
  loadCheckpointKey,
  readCheckpointPublicKey,
  verifyCheckpoint,
} from '../../src/audit/checkpoint.ts'
import { newFolder, publicKey, signer } from './fixtures.ts'

const position = { sequence: 7, hash: 'c'.repeat(64) }

test('what is signed can be written down without this program', () => {
  const { signature } = signer.checkpoint('acme', position, 5)
  const statement = `{"at":5,"hash":"${position.hash}","key":"${signer.keyId}","sequence":7,"tenant":"acme"}`
  const bytes = Buffer.from(`portcullis-audit-checkpoint-v1\n${statement}`)
  assert.equal(verify(null, bytes, publicKey, Buffer.from(signature, 'base64url')), true)
})

test('a signature holds for one tenant, place, time and key only', () => {
  const { signature, key } = signer.checkpoint('acme', position, 5)
  const statement = { tenant: 'acme', ...position, at: 5, key }
  assert.equal(verifyCheckpoint(statement, signature, publicKey), true)
  for (const change of [{ tenant: 'mega' }, { sequence: 8 }, { hash: 'd'.repeat(64) }, { at: 6 }, { key: '0' }]) {
    assert.equal(verifyCheckpoint({ ...statement, ...change }, signature, publicKey), false)
  }
  assert.equal(verifyCheckpoint(statement, 'nonsense', publicKey), false)
})

test('the key is created once, for its owner alone, with its public half beside it', () => {
  const path = `${newFolder()}/audit.key`
  const created = loadCheckpointKey(path)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const [id, key] = readCheckpointPublicKey(`${path}.pub`)
  assert.equal(id, checkpointSigner(created).keyId)
  assert.equal(id, checkpointKeyId(createPublicKey(created)))
  assert.equal(key.type, 'public')
  assert.equal(loadCheckpointKey(path).equals(created), true)
})

test('a key that others can read is refused', () => {
  const path = `${newFolder()}/audit.key`
  loadCheckpointKey(path)
  chmodSync(path, 0o640)
  assert.throws(() => loadCheckpointKey(path), /chmod 600/)
})

test('a key of another kind is refused', () => {
  const path = `${newFolder()}/audit.key`
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  assert.throws(() => loadCheckpointKey(path), /Ed25519/)
})
