/** What may take long is not done within the turn of a tenant: whoever revokes must not wait for it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adminDesk } from './desk.ts'

const LONG: readonly (readonly [what: string, path: string, tenant: string])[] = [
  ['an upstream is restarted', '/upstreams/mail/restart', 'default'],
  ['a tenant is suspended', '/tenants/acme/suspend', 'acme'],
]

describe('a revocation', () => {
  for (const [what, path, tenant] of LONG) {
    it(`does not wait while the processes end for which ${what}`, { timeout: 10_000 }, async (t) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      const { ask, told } = adminDesk(t, () => promise)
      const ending = ask('POST', path)
      const revoked = await ask('POST', `/revocations?tenant=${tenant}`, { kind: 'principal', id: 'key:x' })
      assert.equal(revoked.status, 201)
      assert.equal(told.at(-1), 'revocation.added')
      resolve(1)
      assert.equal((await ending).status, 200)
      assert.equal(told.length, 2, 'both are on record, and neither failed')
    })
  }

  it('goes before all changes that wait, one that makes a key among them', async (t) => {
    const { ask, told } = adminDesk(t)
    const asked = Array.from({ length: 5 }, (_, at) => ask('POST', '/keys', { name: `k${at}`, roles: ['user'] }))
    await Promise.all([...asked, ask('POST', '/revocations', { kind: 'principal', id: 'key:x' })])
    const at = told.indexOf('revocation.added')
    assert.ok(at <= 1, told.join(' '))
  })
})
