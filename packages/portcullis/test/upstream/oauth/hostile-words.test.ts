/** What an upstream says of its authorization is read without trust, and nothing inside is connected to. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { guardedFetch, requireAllowed } from '../../../src/core/guarded-fetch.ts'
import { isSpecialAddress } from '../../../src/core/special-addresses.ts'
import { challengeOf, scopesOf } from '../../../src/upstream/oauth/challenge.ts'
import { metadataPlaces } from '../../../src/upstream/oauth/discovery.ts'

const read = (value: string | string[] | undefined) => challengeOf({ headers: { 'www-authenticate': value } })

describe('a challenge', () => {
  it('gives its error, its scopes and where the metadata are', () => {
    const url = 'https://a.example/.well-known/oauth-protected-resource'
    const text = `Bearer error="insufficient_scope", scope="read write read", resource_metadata="${url}"`
    const wanted = { error: 'insufficient_scope', scopes: ['read', 'write'], metadataUrl: url }
    assert.deepEqual(read(text), wanted)
    assert.deepEqual(read(['Basic realm="x"', text]), wanted)
    assert.deepEqual(read(`bearer scope=read`), { scopes: ['read'] })
    assert.deepEqual(read(String.raw`Bearer error="a\"b"`), { error: 'a"b', scopes: [] })
  })

  for (const nothing of [undefined, '', 'Basic realm="Bearer"', 'Bearer', 'Bearers scope="x"'])
    it(`is empty: ${String(nothing)}`, () => assert.deepEqual(read(nothing), { scopes: [] }))

  it('never throws, takes the first of a repeated word, and bounds what it takes', () => {
    fc.assert(fc.property(fc.string(), (text) => void read(`Bearer ${text}`)))
    assert.equal(read('Bearer error="one", error="two"').error, 'one')
    assert.equal(scopesOf(Array.from({ length: 500 }, (_, at) => `s${at}`).join(' ')).length, 100)
    assert.deepEqual(scopesOf('good b"ad also\u0000bad fine'), ['good', 'fine'])
  })
})

describe('the places of server metadata', () => {
  it('are asked in the order of MCP', () => {
    assert.deepEqual(metadataPlaces('https://a.example/t/one'), [
      'https://a.example/.well-known/oauth-authorization-server/t/one',
      'https://a.example/.well-known/openid-configuration/t/one',
      'https://a.example/t/one/.well-known/openid-configuration',
    ])
    assert.deepEqual(metadataPlaces('https://a.example'), [
      'https://a.example/.well-known/oauth-authorization-server',
      'https://a.example/.well-known/openid-configuration',
    ])
  })
})

describe('the guard', () => {
  const isInside = (address: string) => isSpecialAddress(address)
  const REFUSED = [
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://169.254.169.254/latest',
    'https://10.0.0.1/',
    'https://0.0.0.0/',
    'https://user:secret@example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ]
  for (const url of REFUSED)
    it(`refuses ${url}`, () => assert.throws(() => requireAllowed(url, { plaintext: true, isInside }), TypeError))

  it('lets http through to loopback only where that is spelled out', () => {
    for (const url of ['http://127.0.0.1:1/', 'http://localhost:1/', 'http://[::1]:1/']) {
      assert.ok(requireAllowed(url, { plaintext: true, isInside }))
      assert.throws(() => requireAllowed(url, { plaintext: false, isInside }), TypeError)
    }
  })

  it('connects to no name that leads inside', async () => {
    const fetch = guardedFetch({ privateNetworks: [], timeoutMs: 2_000, maxBytes: 1_000 })
    await assert.rejects(fetch('https://localhost:1/', { method: 'GET', headers: {} }), /a name of this house/)
  })
})
