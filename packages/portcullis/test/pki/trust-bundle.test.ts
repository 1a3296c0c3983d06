import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { PkiError } from '../../src/pki/pki-error.ts'
import { readTrustBundle, trustBundle } from '../../src/pki/trust-bundle.ts'
import { thumbprintsIn } from '../../src/pki/thumbprint.ts'
import { createAuthority, type TestAuthority } from '../fixtures/client-certificate.ts'

const bundleOf = (...ders: readonly Buffer[]) => ({
  spiffe_sequence: 1,
  keys: [
    ...ders.map((der) => ({ kty: 'EC', use: 'x509-svid', x5c: [der.toString('base64')] })),
    { kty: 'EC', use: 'jwt-svid', kid: 'k' },
  ],
})

describe('trustBundle', () => {
  let one: TestAuthority
  let two: TestAuthority
  before(async () => {
    one = await createAuthority('CN=One')
    two = await createAuthority('CN=Two')
  })
  after(() => [one, two].forEach((authority) => authority.remove()))

  it('reads PEM', () => {
    assert.deepEqual([...readTrustBundle(one.caFile).thumbprints], thumbprintsIn(one.caFile))
  })

  it('reads the authorities of a SPIFFE bundle, and no keys of another use', () => {
    const { thumbprints, authorities } = trustBundle(JSON.stringify(bundleOf(one.der, two.der)), 'f')
    assert.deepEqual([...thumbprints], [...thumbprintsIn(one.caFile), ...thumbprintsIn(two.caFile)])
    assert.equal(authorities.length, 2)
  })

  it('refuses what is none', async () => {
    const leaf = await one.issue()
    const key = { use: 'x509-svid' }
    const texts = [
      ...['', 'hello', '{', '[]', '{}', '{"keys":{}}', '{"keys":[]}', JSON.stringify({ keys: [key] })],
      JSON.stringify({ keys: [{ ...key, x5c: [] }] }),
      JSON.stringify({ keys: [{ ...key, x5c: ['AAAA'] }] }),
      JSON.stringify({ keys: [{ ...key, x5c: [7] }] }),
      JSON.stringify({ keys: [{ ...key, x5c: [one.der.toString('base64'), two.der.toString('base64')] }] }),
      JSON.stringify(bundleOf()),
      JSON.stringify(bundleOf(leaf.der)),
      leaf.cert,
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    ]
    for (const text of texts) assert.throws(() => trustBundle(text, 'f'), PkiError, text.slice(0, 60))
  })

  it('throws nothing but PkiError, whatever it reads', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"keys":[${json}]}`),
        ),
        (text) => {
          try {
            trustBundle(text, 'f')
          } catch (thrown) {
            assert.ok(thrown instanceof PkiError)
          }
        },
      ),
    )
  })
})
