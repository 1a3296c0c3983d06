import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { CredentialStore, VaultEntry } from '../../src/data-protection/vault/credential-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenCredentials = (context: TestContext) => Promise<CredentialStore>

const entry = (more: Partial<VaultEntry> = {}): VaultEntry => ({
  tenant: 'one',
  upstream: 'mail',
  kind: 'oauth',
  sealed: 's1.1.aaaa',
  revision: 'r1',
  updatedAt: 1_000,
  ...more,
})

/** What every backend of the port `CredentialStore` has to do. */
export function credentialStoreContract(backend: string, open: OpenCredentials): void {
  describe(`${backend} as CredentialStore`, () => {
    it('gives back what was put, and only under its whole name', async (t) => {
      const store = await open(t)
      await store.put(entry({ principal: 'alice' }))
      assert.deepEqual(await store.find(entry({ principal: 'alice' })), entry({ principal: 'alice' }))
      const others = [
        entry(),
        entry({ principal: 'Alice' }),
        entry({ principal: 'alice', tenant: 'two' }),
        entry({ principal: 'alice', upstream: 'Mail' }),
        entry({ principal: 'alice', kind: 'static' }),
      ]
      for (const other of others) assert.equal(await store.find(other), undefined)
    })

    it('puts one in the place of another', async (t) => {
      const store = await open(t)
      await store.put(entry())
      await store.put(entry({ sealed: 's1.2.bbbb', revision: 'r2' }))
      assert.equal((await store.find(entry()))?.revision, 'r2')
      assert.equal((await store.list('one')).length, 1)
    })

    it('lets exactly one of 50 callers replace the revision that all have read', async (t) => {
      const store = await open(t)
      await store.put(entry())
      const all = Array.from({ length: 50 }, (_, at) => store.replace(entry({ revision: `new ${at}` }), 'r1'))
      assert.equal((await Promise.all(all)).filter(Boolean).length, 1)
    })

    it('replaces nothing that is not there', async (t) => {
      const store = await open(t)
      assert.equal(await store.replace(entry({ revision: 'r2' }), 'r1'), false)
      assert.equal(await store.find(entry()), undefined)
    })

    it('removes one, or only the revision that is named', async (t) => {
      const store = await open(t)
      await store.put(entry())
      assert.equal(await store.remove(entry(), 'r0'), false)
      assert.equal(await store.remove(entry(), 'r1'), true)
      assert.equal(await store.remove(entry()), false)
    })

    it('lists a tenant in a fixed order and removes it, or one of its principals, and no other', async (t) => {
      const store = await open(t)
      for (const principal of ['b', 'a']) await store.put(entry({ principal }))
      await store.put(entry())
      await store.put(entry({ tenant: 'two', principal: 'a' }))
      assert.deepEqual(
        (await store.list('one')).map(({ principal }) => principal),
        [undefined, 'a', 'b'],
      )
      assert.equal(await store.removeAll('one', 'a'), 1)
      assert.equal(await store.removeAll('one'), 2)
      assert.equal((await store.list('two')).length, 1)
    })
  })
}
