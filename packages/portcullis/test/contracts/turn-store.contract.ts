import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { TurnStore } from '../../src/stores/turn-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenTurns = (context: TestContext) => Promise<TurnStore>

const LONG_MS = 60_000

/** What every backend of the port `TurnStore` has to do. */
export function turnStoreContract(backend: string, open: OpenTurns): void {
  describe(`${backend} as TurnStore`, () => {
    it('gives a turn to exactly one of 50 callers, and to the next when it is passed on', async (t) => {
      const store = await open(t)
      const names = Array.from({ length: 50 }, (_, at) => `holder ${at}`)
      const take = () => Promise.all(names.map((name) => store.take('acme', name, LONG_MS)))
      const first = await take()
      assert.equal(first.filter(Boolean).length, 1)
      assert.equal((await take()).filter(Boolean).length, 0)
      const holder = names[first.indexOf(true)] as string
      await store.pass('acme', 'somebody else')
      assert.equal(await store.take('acme', 'x', LONG_MS), false, 'nobody else can pass it on')
      await store.pass('acme', holder)
      assert.equal((await take()).filter(Boolean).length, 1)
    })

    it('does not mix names', async (t) => {
      const store = await open(t)
      assert.equal(await store.take('acme', 'a', LONG_MS), true)
      assert.equal(await store.take('rival', 'b', LONG_MS), true)
    })

    it('is kept by its holder alone, and lost when it has run out and somebody else has taken it', async (t) => {
      const store = await open(t)
      assert.equal(await store.take('acme', 'a', 1), true)
      assert.equal(await store.keep('acme', 'b', LONG_MS), false)
      while (!(await store.take('acme', 'b', LONG_MS))) await pause(2)
      assert.equal(await store.keep('acme', 'a', LONG_MS), false)
      await store.pass('acme', 'a')
      assert.equal(await store.keep('acme', 'b', LONG_MS), true)
      assert.equal(await store.take('acme', 'a', LONG_MS), false)
    })

    it('gives what the work of a holder gives, and throws what it throws', async (t) => {
      const store = await open(t)
      assert.equal(await store.take('acme', 'a', LONG_MS), true)
      assert.equal(await store.guard('acme', 'a', async () => 'done'), 'done')
      await assert.rejects(
        store.guard('acme', 'a', () => Promise.reject(new Error('not done'))),
        /not done/,
      )
    })
  })
}
