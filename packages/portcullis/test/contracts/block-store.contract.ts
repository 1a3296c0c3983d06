import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { BlockStore } from '../../src/traffic/block-store.ts'
import { type Entry, FOR_EVER_MS } from '../../src/traffic/blocks.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenBlocks = (context: TestContext) => Promise<BlockStore>

const NOW = 1_800_000_000_000

const entry = (value: string, more: Partial<Entry> = {}): Entry => ({
  ...{ kind: 'principal', value, tenant: 'default', reason: 'a reason', source: 'test', untilMs: FOR_EVER_MS },
  ...more,
})

/** What every backend of the port `BlockStore` has to do. */
export function blockStoreContract(backend: string, open: OpenBlocks): void {
  describe(`${backend} as BlockStore`, () => {
    const values = async (store: BlockStore, after = 0) => (await store.since(after, 1_000)).map(({ value }) => value)

    it('gives news back as they were made, to the last millisecond that there is', async (t) => {
      const store = await open(t)
      const made = entry("o'hara\u{1f512}")
      const sequence = await store.put(made, NOW)
      assert.ok(sequence > 0)
      assert.deepEqual(
        (await store.since(0, 10)).map((news) => ({ ...news })),
        [{ ...made, sequence, at: NOW }],
      )
    })

    it('gives only news after the sequence, in order, and no more than asked for', async (t) => {
      const store = await open(t)
      const sequences: number[] = []
      for (const value of ['a', 'b', 'c', 'd']) sequences.push(await store.put(entry(value), NOW))
      assert.deepEqual(await values(store, sequences[0]), ['b', 'c', 'd'])
      assert.equal((await store.since(0, 2)).length, 2)
      assert.deepEqual(await values(store, sequences[3]), [])
    })

    it('keeps every entry of 50 simultaneous callers, each with its own sequence', async (t) => {
      const store = await open(t)
      const names = Array.from({ length: 50 }, (_, at) => `p${at}`)
      const sequences = await Promise.all(names.map((name) => store.put(entry(name), NOW)))
      assert.equal(new Set(sequences).size, 50)
      assert.deepEqual((await values(store)).toSorted(), names.toSorted())
    })

    it('has the last word of one name last, and tells a reader of the first one about it', async (t) => {
      const store = await open(t)
      const first = await store.put(entry('a'), NOW)
      await store.put(entry('b'), NOW)
      await store.put(entry('a', { untilMs: NOW + 5 }), NOW + 5)
      const last = (await store.since(first, 10)).findLast(({ value }) => value === 'a')
      assert.equal(last?.untilMs, NOW + 5)
      assert.equal((await values(store)).at(-1), 'a')
    })

    it('does not mix kinds and tenants', async (t) => {
      const store = await open(t)
      const all = [
        entry('a'),
        entry('a', { tenant: '' }),
        entry('a', { tenant: 'other' }),
        entry('a', { kind: 'client' }),
      ]
      for (const one of all) await store.put(one, NOW)
      await store.prune(NOW)
      assert.equal((await store.since(0, 10)).length, 4)
    })

    it('drops what has ended and what was replaced, brings nothing back, and never uses a sequence twice', async (t) => {
      const store = await open(t)
      await store.put(entry('taken-back'), NOW)
      await store.put(entry('taken-back', { untilMs: NOW + 1 }), NOW + 1)
      await store.put(entry('ended', { untilMs: NOW + 2 }), NOW)
      await store.put(entry('shortened'), NOW)
      const newest = await store.put(entry('shortened', { untilMs: NOW + 5_000 }), NOW)
      assert.ok((await store.prune(NOW + 1_000)) >= 2)
      assert.deepEqual(await values(store), ['shortened'])
      assert.equal((await store.since(0, 10))[0]?.untilMs, NOW + 5_000)
      assert.equal(await store.prune(NOW + 1_000), 0)
      await store.prune(NOW + 10_000)
      assert.deepEqual(await values(store), [])
      assert.ok((await store.put(entry('later'), NOW)) > newest)
    })
  })
}
