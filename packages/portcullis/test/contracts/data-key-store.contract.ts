import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { DataKey, DataKeyStore } from '../../src/data-protection/data-key-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenDataKeys = (context: TestContext) => Promise<DataKeyStore>

const key = (more: Partial<DataKey> = {}): DataKey => ({
  tenant: 'one',
  version: 1,
  wrappedBy: 'kek',
  wrapped: 'aaaa',
  createdAt: 1_000,
  ...more,
})

/** What every backend of the port `DataKeyStore` has to do. */
export function dataKeyStoreContract(backend: string, open: OpenDataKeys): void {
  describe(`${backend} as DataKeyStore`, () => {
    it('lets exactly one of 50 callers add a version', async (t) => {
      const store = await open(t)
      const all = Array.from({ length: 50 }, (_, at) => store.add(key({ wrapped: `key ${at}` })))
      assert.equal((await Promise.all(all)).filter(Boolean).length, 1)
      assert.equal((await store.ofTenant('one')).length, 1)
    })

    it('gives the keys of a tenant by version, and no others', async (t) => {
      const store = await open(t)
      for (const version of [2, 10, 1]) await store.add(key({ version }))
      await store.add(key({ tenant: 'two' }))
      assert.deepEqual(
        (await store.ofTenant('one')).map(({ version }) => version),
        [1, 2, 10],
      )
      assert.deepEqual(await store.tenants(), ['one', 'two'])
      assert.deepEqual(await store.ofTenant('two'), [key({ tenant: 'two' })])
    })

    it('shreds the keys of one tenant', async (t) => {
      const store = await open(t)
      for (const version of [1, 2]) await store.add(key({ version }))
      await store.add(key({ tenant: 'two' }))
      assert.equal(await store.shred('one'), 2)
      assert.equal(await store.shred('one'), 0)
      assert.deepEqual(await store.ofTenant('one'), [])
      assert.equal((await store.ofTenant('two')).length, 1)
    })
  })
}
