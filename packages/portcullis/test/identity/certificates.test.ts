import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerCertificate } from '../../src/core/exchange.ts'
import { type CertificateName, certificateVerifier } from '../../src/identity/certificates.ts'

const named = (names: Partial<PeerCertificate>): PeerCertificate => ({
  ...{ thumbprint: 'x', subject: 'CN=agent, O=Example', uris: [], dnsNames: [], authority: 'A', expiresAt: 9_000 },
  ...names,
})
const verifier = (name: CertificateName, more: object = {}) =>
  certificateVerifier([{ name, tenant: 'acme', roles: ['user'], ...more }])

describe('certificateVerifier', () => {
  it('makes a principal of a certificate, that ends with it', () => {
    const verify = verifier({ uri: 'spiffe://example.org/agents/a' }, { upstreams: ['files'] })
    assert.deepEqual(verify(named({ uris: ['spiffe://example.org/agents/a'] })), {
      facts: {
        principal: {
          id: 'certificate:spiffe://example.org/agents/a',
          tenant: 'acme',
          roles: ['user'],
          upstreams: ['files'],
          credential: { kind: 'certificate', id: 'x', expiresAt: 9_000, bound: 'certificate' },
        },
      },
      expiresAt: 9_000,
    })
  })

  const GOOD: readonly (readonly [CertificateName, Partial<PeerCertificate>, string])[] = [
    [
      { uri: 'spiffe://example.org/agents/*' },
      { uris: ['spiffe://example.org/agents/a/b'] },
      'spiffe://example.org/agents/a/b',
    ],
    [{ uri: 'urn://x/y' }, { uris: ['urn://x/y'] }, 'uri:urn://x/y'],
    [{ dns: 'A.example' }, { dnsNames: ['b.example', 'a.EXAMPLE'] }, 'dns:a.example'],
    [{ subject: 'CN=agent, O=Example' }, {}, 'subject:CN=agent, O=Example'],
  ]
  for (const [name, has, id] of GOOD) {
    it(`finds ${id}`, () => {
      assert.equal(verifier(name)(named(has)).facts.principal.id, `certificate:${id}`)
    })
  }

  const AGENTS = { uri: 'spiffe://example.org/agents/*' }
  const BAD: readonly (readonly [string, CertificateName, Partial<PeerCertificate>])[] = [
    ['another trust domain', AGENTS, { uris: ['spiffe://evil.org/agents/a'] }],
    ['a trust domain that begins alike', AGENTS, { uris: ['spiffe://example.org.evil.org/agents/a'] }],
    ['a trust domain in capitals', AGENTS, { uris: ['spiffe://EXAMPLE.org/agents/a'] }],
    ['a path that begins alike', AGENTS, { uris: ['spiffe://example.org/agents-evil/a'] }],
    ['a path that climbs', AGENTS, { uris: ['spiffe://example.org/agents/../admin'] }],
    ['a path that climbs in code', AGENTS, { uris: ['spiffe://example.org/agents/%2e%2e/admin'] }],
    ['an empty segment', AGENTS, { uris: ['spiffe://example.org/agents//a'] }],
    ['nothing behind the star', AGENTS, { uris: ['spiffe://example.org/agents/'] }],
    ['a user in its trust domain', AGENTS, { uris: ['spiffe://a@example.org/agents/a'] }],
    ['a port in its trust domain', AGENTS, { uris: ['spiffe://example.org:1/agents/a'] }],
    ['a query', AGENTS, { uris: ['spiffe://example.org/agents/a?x'] }],
    ['another scheme', AGENTS, { uris: ['https://example.org/agents/a'] }],
    ['two URIs', AGENTS, { uris: ['spiffe://example.org/agents/a', 'spiffe://example.org/agents/b'] }],
    ['a URI among its DNS names', AGENTS, { dnsNames: ['spiffe://example.org/agents/a'] }],
    ['a longer DNS name', { dns: 'a.example' }, { dnsNames: ['x.a.example', 'a.example.evil'] }],
    ['a wildcard DNS name', { dns: 'a.example' }, { dnsNames: ['*.example'] }],
    ['its DNS name as the subject', { dns: 'a.example' }, { subject: 'CN=a.example' }],
    ['more subject than is named', { subject: 'CN=agent' }, {}],
    ['its subject in another order', { subject: 'O=Example, CN=agent' }, {}],
    ['no subject', { subject: '' }, { subject: '' }],
    ['a NUL in its name', { dns: 'a.example' }, { dnsNames: ['a.example\0.evil'] }],
  ]
  for (const [what, name, has] of BAD) {
    it(`knows nobody with ${what}`, () => {
      assert.throws(() => verifier(name)(named(has)), { name: 'Fault', code: 'identity.missing' })
    })
  }

  it('believes the authority that a rule names, and no other', () => {
    const uris = ['spiffe://example.org/agents/a']
    const verify = verifier(AGENTS, { authorities: ['B', 'C'] })
    assert.throws(() => verify(named({ uris })), { code: 'identity.missing' })
    assert.equal(verify(named({ uris, authority: 'C' })).facts.principal.tenant, 'acme')
  })

  it('lets the first rule that fits decide', () => {
    const verify = certificateVerifier([
      { name: { uri: 'spiffe://example.org/agents/root' }, tenant: 'acme', roles: ['admin'] },
      { name: AGENTS, tenant: 'acme', roles: ['user'] },
    ])
    const rolesOf = (uri: string) => verify(named({ uris: [uri] })).facts.principal.roles
    assert.deepEqual(rolesOf('spiffe://example.org/agents/root'), ['admin'])
    assert.deepEqual(rolesOf('spiffe://example.org/agents/a'), ['user'])
  })

  for (const uri of [
    'spiffe://',
    'spiffe://Example.org/a',
    'spiffe://*/a',
    'spiffe://example.org',
    'https://a/*',
    'x',
  ]) {
    it(`refuses the rule ${uri}`, () => assert.throws(() => verifier({ uri }), TypeError))
  }
})
