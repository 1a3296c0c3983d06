import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import { isSignedBy, readProofKey } from '../../../src/identity/dpop/proof-key.ts'

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const

const made = new Map(
  await Promise.all(
    ALGORITHMS.map(async (alg) => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      const jwk = await exportJWK(publicKey)
      const text = new TextEncoder().encode('{"a":1}')
      const jws = await new CompactSign(text).setProtectedHeader({ alg }).sign(privateKey)
      return [alg, { jwk, jws, secret: await exportJWK(privateKey) }] as const
    }),
  ),
)
const of = (alg: (typeof ALGORITHMS)[number]) => made.get(alg) as { jwk: JWK; jws: string; secret: JWK }

describe('a key of a proof', () => {
  for (const alg of ALGORITHMS) {
    it(`for ${alg} is read, named and used as another library does`, async () => {
      const { jwk, jws, secret } = of(alg)
      const key = readProofKey(jwk, alg)
      assert.equal(key.jkt, await calculateJwkThumbprint(jwk))
      assert.equal(isSignedBy(key, jws), true)
      assert.equal(isSignedBy(key, jws.replace('.', 'A.')), false)
      assert.equal(isSignedBy(key, jws.slice(0, -4)), false)
      assert.equal(isSignedBy(key, `${jws}AAAA`), false)
      assert.throws(() => readProofKey(secret, alg), { code: 'identity.invalid_proof' })
    })

    it(`for ${alg} is no key for another kind of algorithm`, () => {
      const family = (name: string) => name.replace(/^Ed(DSA|25519)$/, 'Ed').replace(/^[PR]S/, 'RSA')
      for (const other of ALGORITHMS.filter((name) => family(name) !== family(alg))) {
        assert.throws(() => readProofKey(of(alg).jwk, other), { code: 'identity.invalid_proof' }, other)
      }
    })
  }

  it('has one name, however it is written', async () => {
    const { jwk } = of('ES256')
    const more = { ...jwk, kid: 'x', use: 'sig', x5u: 'https://evil.example' }
    assert.equal(readProofKey(more, 'ES256').jkt, readProofKey(jwk, 'ES256').jkt)
  })

  const ec = of('ES256').jwk
  const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' })
  const BAD: readonly (readonly [string, unknown, (typeof ALGORITHMS)[number]])[] = [
    ['a text', 'x', 'ES256'],
    ['nothing', null, 'ES256'],
    ['a list', [ec], 'ES256'],
    ['an empty object', {}, 'ES256'],
    ['a shared key', { kty: 'oct', k: 'AAAA' }, 'ES256'],
    ['a point that is not on its curve', { ...ec, y: ec.x }, 'ES256'],
    ['the point at infinity', { ...ec, x: '', y: '' }, 'ES256'],
    ['a point of zeros', { ...ec, x: 'A'.repeat(43), y: 'A'.repeat(43) }, 'ES256'],
    ['a curve of another name', { ...ec, crv: 'P-384' }, 'ES256'],
    ['secp256k1', { ...ec, crv: 'secp256k1' }, 'ES256'],
    ['X25519', { ...of('Ed25519').jwk, crv: 'X25519' }, 'EdDSA'],
    ['a short RSA key', rsa(1024), 'RS256'],
    ['an RSA key without end', { kty: 'RSA', e: 'AQAB', n: 'v'.repeat(5_000) }, 'RS256'],
  ]
  for (const [what, jwk, alg] of BAD) {
    it(`is not ${what}`, () => {
      assert.throws(() => readProofKey(jwk, alg), { name: 'Fault', code: 'identity.invalid_proof' })
    })
  }
})
