import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Revocation, RevocationNews, RevocationStore } from '../../src/identity/revocation-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenRevocations = (context: TestContext) => Promise<RevocationStore>

/** What every backend of the port `RevocationStore` has to do. */
export function revocationStoreContract(backend: string, open: OpenRevocations): void {
  describe(`${backend} as RevocationStore`, () => {
    it('gives news back as they were made, with their sequence', async (t) => {
      const store = await open(t)
      const made = revocation('a')
      const sequence = await store.revoke(made)
      assert.ok(sequence > 0)
      assert.deepEqual((await store.since(0, 10)).map(plain), [{ ...made, sequence }])
    })

    it('gives only news after the sequence, in order, and no more than asked for', async (t) => {
      const store = await open(t)
      const sequences: number[] = []
      for (const id of ['a', 'b', 'c', 'd']) sequences.push(await store.revoke(revocation(id)))
      assert.deepEqual(ids(await store.since(sequences[0] ?? 0, 2)), ['b', 'c'])
      assert.deepEqual(await store.since(sequences[3] ?? 0, 10), [])
    })

    it('keeps every entry of 50 callers, each with its own sequence', async (t) => {
      const store = await open(t)
      const sequences = await Promise.all(callers().map((id) => store.revoke(revocation(id))))
      assert.equal(new Set(sequences).size, 50)
      assert.deepEqual(ids(await store.since(0, 100)).toSorted(), callers().toSorted())
    })

    it('hides nothing from a reader that follows while 50 callers write', async (t) => {
      const store = await open(t)
      const seen: RevocationNews[] = []
      const follow = async () => seen.push(...(await store.since(seen.at(-1)?.sequence ?? 0, 7)))
      const writing = Promise.all(callers().map((id) => store.revoke(revocation(id))))
      while (seen.length < 20) await follow()
      await writing
      while ((await follow()) < 50);
      assert.deepEqual(ids(seen).toSorted(), callers().toSorted())
    })

    it('keeps what takes back an earlier entry for as long as that one would hold', async (t) => {
      const store = await open(t)
      const suspended = { kind: 'tenant', until: 90_000 } as const
      await store.revoke(revocation('acme', suspended))
      await store.revoke(revocation('acme', { ...suspended, from: 2_000, until: 2_000 }))
      await store.revoke(revocation('rival', { ...suspended, from: 2_000, until: 2_000 }))
      assert.equal(await store.prune(50_000), 1)
      assert.deepEqual(
        (await store.since(0, 10)).map(({ id, until }) => [id, until]),
        [
          ['acme', 90_000],
          ['acme', 2_000],
        ],
      )
      assert.equal(await store.prune(90_000), 2)
    })

    it('prunes what is over, and never uses a sequence twice', async (t) => {
      const store = await open(t)
      await store.revoke(revocation('a', { until: 5_000 }))
      const last = await store.revoke(revocation('b', { until: 5_000 }))
      assert.equal(await store.prune(4_999), 0)
      assert.equal(await store.prune(5_000), 2)
      assert.deepEqual(await store.since(0, 10), [])
      assert.ok((await store.revoke(revocation('c'))) > last)
    })
  })
}

function callers(): string[] {
  return Array.from({ length: 50 }, (_, at) => `id-${at}`)
}

function revocation(id: string, changes: Partial<Revocation> = {}): Revocation {
  return { kind: 'token', tenant: 'acme', id, from: 1_000, until: 9_000, reason: 'lost', ...changes }
}

function ids(news: readonly RevocationNews[]): string[] {
  return news.map((entry) => entry.id)
}

/** Drivers may hand out rows without a prototype. */
function plain(news: RevocationNews): RevocationNews {
  return { ...news }
}
