import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConsentStore } from '../../src/upstream/oauth/consent-store.ts'

/** Opens two views of one empty store, as two nodes have them; they are closed when the test ends. */
export type OpenConsents = (context: TestContext) => Promise<readonly [ConsentStore, ConsentStore]>

/** What every backend of the port `ConsentStore` has to do. */
export function consentStoreContract(backend: string, open: OpenConsents): void {
  const kept = (text: string) => ({ tenant: 'acme', text, endsAt: 9_000 })

  describe(`${backend} as ConsentStore`, () => {
    it('gives back what was put, on any node, by its id and by its wish', async (t) => {
      const [here, there] = await open(t)
      await here.put('ticket', 'a', kept('{"id":"a"}'), 'a wish')
      assert.deepEqual(await there.find('ticket', 'a'), kept('{"id":"a"}'))
      assert.deepEqual(await there.findByWish('a wish'), kept('{"id":"a"}'))
      assert.equal(await there.find('journey', 'a'), undefined, 'the kinds do not meet')
      assert.equal(await there.find('ticket', 'b'), undefined)
      assert.equal(await there.findByWish('another'), undefined)
    })

    it('gives an entry to exactly one of 50 takers at once, on two nodes', async (t) => {
      const [here, there] = await open(t)
      await here.put('journey', 'state', kept('{}'))
      const taken = await Promise.all(
        Array.from({ length: 50 }, (_, at) => (at % 2 ? here : there).take('journey', 'state')),
      )
      assert.equal(taken.filter((one) => one !== undefined).length, 1)
      assert.equal(await there.find('journey', 'state'), undefined)
    })

    it('lets exactly one of 50 at once make a mark, and each number once', async (t) => {
      const [here, there] = await open(t)
      const marked = await Promise.all(
        Array.from({ length: 50 }, (_, at) => (at % 2 ? here : there).mark('a', 1, 9_000)),
      )
      assert.equal(marked.filter(Boolean).length, 1)
      assert.equal(await here.mark('a', 2, 9_000), true)
      assert.equal(await here.mark('b', 1, 9_000), true)
      assert.equal(await there.mark('a', 2, 9_000), false)
    })
  })
}
