import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { JWK } from 'jose'
import { isSoundKey } from '../../src/identity/sound-keys.ts'
import { openKey, shortKey, smartCardKey, soundKey } from '../fixtures/weak-keys.ts'

const { jwk: good } = soundKey('good')

test('keys as issuers have them are sound', () => {
  for (const modulusLength of [2048, 3072]) assert.ok(isSoundKey(shortKey('k', modulusLength).jwk))
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  assert.ok(isSoundKey(curve))
  assert.ok(isSoundKey({ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }))
})

const odd = (bits: number) =>
  Buffer.concat([Buffer.from([0x80]), Buffer.alloc(bits / 8 - 2), Buffer.from([1])]).toString('base64url')

for (const [what, key] of [
  ['is short', shortKey('k', 1024).jwk],
  ['has the exponent 1', openKey('k').jwk],
  ['has the exponent 3', { ...good, e: 'Aw' }],
  ['has an even exponent', { ...good, e: 'AQAC' }],
  ['has an exponent of endless length', { ...good, e: odd(512) }],
  ['has the exponent 0', { ...good, e: 'AA' }],
  ['has no exponent', { ...good, e: undefined }],
  ['has no modulus', { ...good, n: undefined }],
  ['has an empty modulus', { ...good, n: '' }],
  ['has a modulus that is no text', { ...good, n: 7 }],
  ['has an even modulus', { ...good, n: Buffer.alloc(256, 0xfe).toString('base64url') }],
  ['is so long that verifying is an attack', { ...good, n: odd(16_384) }],
  [
    'pads a short modulus with zeros',
    { ...good, n: Buffer.concat([Buffer.alloc(160), Buffer.alloc(96, 0xff)]).toString('base64url') },
  ],
] as readonly (readonly [string, object])[]) {
  test(`a key that ${what} is not sound`, () => assert.equal(isSoundKey(key as JWK), false))
}

test('a key of the broken generator of smart cards is known by its fingerprint, and good ones do not have it', () => {
  assert.equal(isSoundKey(smartCardKey('roca').jwk), false)
  for (let count = 0; count < 5; count++) assert.ok(isSoundKey(soundKey('k').jwk))
})
