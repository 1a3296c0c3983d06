import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ReplayStore } from '../../src/identity/replay-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenReplays = (context: TestContext) => Promise<ReplayStore>

/** What every backend of the port `ReplayStore` has to do. */
export function replayStoreContract(backend: string, open: OpenReplays): void {
  describe(`${backend} as ReplayStore`, () => {
    it('lets an id be used once', async (t) => {
      const store = await open(t)
      assert.equal(await store.useOnce('dpop', 'a', 9_000), true)
      assert.equal(await store.useOnce('dpop', 'a', 9_000), false)
      assert.equal(await store.useOnce('dpop', 'a', 99_000), false)
    })

    it('lets exactly one of 50 callers at once use it', async (t) => {
      const store = await open(t)
      const uses = await Promise.all(Array.from({ length: 50 }, () => store.useOnce('dpop', 'a', 9_000)))
      assert.equal(uses.filter(Boolean).length, 1)
    })

    it('lets 50 callers at once use 50 ids', async (t) => {
      const store = await open(t)
      const uses = await Promise.all(Array.from({ length: 50 }, (_, at) => store.useOnce('dpop', `id-${at}`, 9_000)))
      assert.equal(uses.filter(Boolean).length, 50)
    })

    it('keeps spaces apart, and ids that differ in case or in spaces', async (t) => {
      const store = await open(t)
      const pairs = [
        ['dpop', 'a'],
        ['grant', 'a'],
        ['dpop', 'A'],
        ['dpop', 'a '],
        ['dpop', ''],
      ] as const
      for (const [space, id] of pairs) assert.equal(await store.useOnce(space, id, 9_000), true, `${space} ${id}`)
    })

    it('forgets what is over, and nothing before', async (t) => {
      const store = await open(t)
      await store.useOnce('dpop', 'a', 5_000)
      await store.useOnce('dpop', 'b', 5_001)
      assert.equal(await store.prune(4_999), 0)
      assert.equal(await store.prune(5_000), 1)
      assert.equal(await store.useOnce('dpop', 'a', 9_000), true)
      assert.equal(await store.useOnce('dpop', 'b', 9_000), false)
    })
  })
}
