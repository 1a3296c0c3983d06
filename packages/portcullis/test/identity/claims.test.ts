import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClaimMapping, mapClaims } from '../../src/identity/claims.ts'

const FIXED: ClaimMapping = { tenant: { fixed: 'acme' } }
const BY_CLAIM: ClaimMapping = { tenant: { claim: 'org', map: { 'org-1': 'acme' } } }
const ROLES: ClaimMapping = {
  ...FIXED,
  everyone: ['guest'],
  roles: { claim: ['realm_access', 'roles'], map: { 'mcp-admins': ['admin', 'reader'], devs: ['reader'] } },
}

describe('mapClaims', () => {
  it('gives the fixed tenant whatever the token says', () => {
    assert.equal(mapClaims({ sub: 'ann', tenant: 'rival' }, FIXED).tenant, 'acme')
  })

  it('gives the tenant that the table has for the claim', () => {
    assert.equal(mapClaims({ sub: 'ann', org: 'org-1' }, BY_CLAIM).tenant, 'acme')
  })

  for (const org of ['org-2', '', 'constructor', '__proto__', 'toString', 7, ['org-1'], undefined]) {
    it(`refuses the tenant claim ${JSON.stringify(org)}`, () => {
      assert.throws(() => mapClaims({ sub: 'ann', org }, BY_CLAIM), { code: 'identity.invalid_token' })
    })
  }

  it('maps nested roles and ignores those that nobody mapped', () => {
    const claims = { sub: 'ann', realm_access: { roles: ['mcp-admins', 'devs', 'root', 'constructor', 7] } }
    assert.deepEqual(mapClaims(claims, ROLES).roles, ['guest', 'admin', 'reader'])
  })

  for (const realm_access of [undefined, null, 'devs', [], { roles: null }, { roles: { 0: 'devs' } }]) {
    it(`gives only the roles of everyone for ${JSON.stringify(realm_access)}`, () => {
      assert.deepEqual(mapClaims({ sub: 'ann', realm_access }, ROLES).roles, ['guest'])
    })
  }

  it('gives no role unless told to', () => {
    assert.deepEqual(mapClaims({ sub: 'ann', roles: ['admin'] }, FIXED).roles, [])
  })

  it('reads scopes as text and as a list', () => {
    assert.deepEqual(mapClaims({ sub: 'ann', scope: 'a  b' }, FIXED).scopes, ['a', 'b'])
    assert.deepEqual(mapClaims({ sub: 'ann', scp: ['a', 'b'] }, { ...FIXED, scopes: 'scp' }).scopes, ['a', 'b'])
    assert.deepEqual(mapClaims({ sub: 'ann' }, FIXED).scopes, [])
  })

  it('reads the subject from another claim when told to', () => {
    assert.equal(
      mapClaims({ sub: 'x', 'https://x.example/id': 'ann' }, { ...FIXED, subject: 'https://x.example/id' }).subject,
      'ann',
    )
  })

  it('finds nothing that is not in the token itself', () => {
    const inherited: ClaimMapping = { ...FIXED, subject: ['constructor', 'name'] }
    assert.throws(() => mapClaims({ sub: 'ann' }, inherited), { code: 'identity.invalid_token' })
  })

  for (const sub of [undefined, '', 7, null, 'a\nb', 'a\u0000', 'a'.repeat(256)]) {
    it(`refuses the subject ${JSON.stringify(sub)?.slice(0, 20)}`, () => {
      assert.throws(() => mapClaims({ sub }, FIXED), { code: 'identity.invalid_token' })
    })
  }
})
