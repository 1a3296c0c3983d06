import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { TenantKey, TenantKeyStore } from '../../src/data-protection/tenant-key-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenTenantKeyStore = (context: TestContext) => Promise<TenantKeyStore>

const key = (more: Partial<TenantKey> = {}): TenantKey => ({
  ...{ tenant: 'one', id: 'a', wrappedBy: 'kek', wrapped: 'aaaa', createdAt: 1_000 },
  ...more,
})

/** What every backend of the port `TenantKeyStore` has to do. */
export function tenantKeyStoreContract(backend: string, open: OpenTenantKeyStore): void {
  describe(`${backend} as TenantKeyStore`, () => {
    it('lets exactly one of 50 callers make the key of a tenant', async (t) => {
      const store = await open(t)
      const made = Array.from({ length: 50 }, (_, at) => key({ id: `id ${at}`, wrapped: `key ${at}` }))
      const outcomes = await Promise.all(made.map((one) => store.add(one)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.deepEqual(await store.find('one'), made[outcomes.indexOf(true)])
    })

    it('lists all by tenant', async (t) => {
      const store = await open(t)
      const all = ['b', 'a', 'c'].map((tenant) => key({ tenant, id: tenant }))
      for (const one of all) await store.add(one)
      assert.deepEqual(
        (await store.list()).map(({ tenant }) => tenant),
        ['a', 'b', 'c'],
      )
      assert.equal(await store.find('d'), undefined)
    })

    it('is wrapped anew by one of 50 callers, and only as it was read', async (t) => {
      const store = await open(t)
      await store.add(key())
      const all = Array.from({ length: 50 }, (_, at) =>
        store.rewrap(key(), { wrappedBy: 'new', wrapped: `bbbb ${at}` }),
      )
      assert.equal((await Promise.all(all)).filter(Boolean).length, 1)
      assert.equal((await store.find('one'))?.wrappedBy, 'new')
      assert.equal(await store.rewrap(key({ id: 'b' }), { wrappedBy: 'x', wrapped: 'x' }), false)
    })

    it('is not wrapped back to life by somebody who read it before it was shredded', async (t) => {
      const store = await open(t)
      await store.add(key())
      assert.equal(await store.shred('one'), true)
      assert.equal(await store.rewrap(key(), { wrappedBy: 'new', wrapped: 'bbbb' }), false)
      assert.equal(await store.find('one'), undefined)
      await store.add(key({ id: 'b', wrapped: 'cccc' }))
      assert.equal(await store.rewrap(key(), { wrappedBy: 'new', wrapped: 'bbbb' }), false)
      assert.equal((await store.find('one'))?.wrapped, 'cccc')
    })

    it('shreds the key of one tenant', async (t) => {
      const store = await open(t)
      await store.add(key())
      await store.add(key({ tenant: 'two', id: 'b' }))
      assert.equal(await store.shred('one'), true)
      assert.equal(await store.shred('one'), false)
      assert.deepEqual(
        (await store.list()).map(({ tenant }) => tenant),
        ['two'],
      )
    })
  })
}
