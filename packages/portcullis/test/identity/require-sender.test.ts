import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerCertificate } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Principal } from '../../src/core/principal.ts'
import { senderGuard, type SenderParts } from '../../src/identity/require-sender.ts'
import type { Verified } from '../../src/identity/verified.ts'

const NOW = 1_000
const CERTIFICATE: PeerCertificate = {
  thumbprint: 'T',
  subject: '',
  uris: [],
  dnsNames: [],
  authority: '',
  expiresAt: NOW + 1,
}

function verified(binding?: Verified['binding'], bound?: Principal['credential']['bound']): Verified {
  const credential = { kind: 'jwt', id: 'a', ...(bound && { bound }) } as const
  return {
    facts: { principal: { id: 'ann', tenant: 'acme', roles: ['user'], credential } },
    ...(binding && { binding }),
  }
}

type Request = Parameters<ReturnType<typeof senderGuard>>[1]

const request = (scheme: string, certificate?: PeerCertificate): Request =>
  ({
    head: { method: 'POST', headers: { authorization: `${scheme} x`, dpop: 'p' } },
    peer: { address: '', encrypted: true, ...(certificate && { certificate }) },
    route: { kind: 'upstream', upstream: 'one' },
    resource: 'R',
  }) as unknown as Request

const guard = (more: Partial<SenderParts> = {}) =>
  senderGuard({ mustBeBound: () => false, verifyProof: async () => undefined, ...more })

const KEY = verified({ jkt: 'K' }, 'key')
const CERT = verified({ x5t: 'T' }, 'certificate')
const BOTH = verified({ jkt: 'K', x5t: 'T' }, 'key-and-certificate')
const BEARER = verified()

describe('senderGuard', () => {
  it('returns the very facts of a bearer, without waiting', () => {
    assert.equal(guard()(BEARER, request('Bearer'), NOW, 'x'), BEARER.facts)
  })

  it('asks for the proof of exactly this request', async () => {
    const asked: unknown[] = []
    const verifyProof: SenderParts['verifyProof'] = async (one) => void asked.push(one)
    assert.equal(await guard({ verifyProof })(KEY, request('DPoP'), NOW, 'token'), KEY.facts)
    assert.deepEqual(asked, [{ head: request('DPoP').head, resource: 'R', token: 'token', jkt: 'K' }])
  })

  it('asks for the proof of the very path where all paths have one audience', async () => {
    const asked: unknown[] = []
    const verifyProof: SenderParts['verifyProof'] = async (one) => void asked.push(one.resource)
    const { head, peer } = request('DPoP')
    const path = { head: { ...head, path: '/admin/v1/upstreams' }, route: { kind: 'administration' } }
    const called = { peer, ...path, resource: 'https://g.example/admin' } as unknown as Request
    await guard({ verifyProof })(KEY, called, NOW, 'token')
    assert.deepEqual(asked, ['https://g.example/admin/v1/upstreams'])
  })

  it('hands on the nonce to use next', async () => {
    const facts = await guard({ verifyProof: async () => 'n' })(KEY, request('DPoP'), NOW, 'x')
    assert.deepEqual(facts, { ...KEY.facts, freshNonce: 'n' })
  })

  it('takes a token that is bound to the certificate of the connection', () => {
    assert.equal(guard()(CERT, request('Bearer', CERTIFICATE), NOW, 'x'), CERT.facts)
  })

  it('wants both where a token is bound to both', async () => {
    assert.equal(await guard()(BOTH, request('DPoP', CERTIFICATE), NOW, 'x'), BOTH.facts)
    assert.throws(() => guard()(BOTH, request('DPoP'), NOW, 'x'), { code: 'identity.invalid_token' })
    assert.throws(() => guard()(BOTH, request('Bearer', CERTIFICATE), NOW, 'x'), { code: 'identity.invalid_token' })
  })

  const BAD: readonly (readonly [string, Verified, Request])[] = [
    ['a token that is bound to a key, as a bearer', KEY, request('Bearer')],
    ['the same with a certificate', KEY, request('Bearer', CERTIFICATE)],
    ['a bearer with a proof', BEARER, request('DPoP')],
    ['a token that is bound to a certificate, with a proof', CERT, request('DPoP', CERTIFICATE)],
    ['a token that is bound to a certificate, without one', CERT, request('Bearer')],
    ['the same with another one', CERT, request('Bearer', { ...CERTIFICATE, thumbprint: 'U' })],
    ['the same with one that has ended', CERT, request('Bearer', { ...CERTIFICATE, expiresAt: NOW })],
  ]
  for (const [what, one, asked] of BAD) {
    it(`refuses ${what}`, () => {
      assert.throws(() => guard()(one, asked, NOW, 'x'), { name: 'Fault', code: 'identity.invalid_token' })
    })
  }

  it('refuses a token that is bound to a key when nobody can check it', () => {
    const parts = { mustBeBound: () => false }
    assert.throws(() => senderGuard(parts)(KEY, request('DPoP'), NOW, 'x'), { code: 'identity.invalid_token' })
  })

  it('refuses a bearer where none will do, and lets bound ones pass', async () => {
    const mustBeBound: SenderParts['mustBeBound'] = ({ roles }, resource) => roles.includes('user') && resource === 'R'
    const strict = guard({ mustBeBound })
    assert.throws(() => strict(BEARER, request('Bearer', CERTIFICATE), NOW, 'x'), { code: 'identity.unbound' })
    await strict(KEY, request('DPoP'), NOW, 'x')
    await strict(CERT, request('Bearer', CERTIFICATE), NOW, 'x')
    await strict(verified(undefined, 'certificate'), request('', CERTIFICATE), NOW, '')
  })

  it('sends the nonce with the demand for it', async () => {
    const verifyProof = () => Promise.reject(new Fault('identity.use_nonce'))
    const refused = guard({ verifyProof, nonces: { current: 'n' } })(KEY, request('DPoP'), NOW, 'x') as Promise<unknown>
    await assert.rejects(refused, (thrown) => {
      assert.ok(thrown instanceof Fault)
      assert.deepEqual([thrown.code, thrown.options.headers], ['identity.use_nonce', { 'DPoP-Nonce': 'n' }])
      return true
    })
  })
})
