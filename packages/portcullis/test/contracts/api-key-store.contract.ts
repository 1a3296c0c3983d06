import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ApiKeyStore, ApiKeySuccessor, NewApiKey } from '../../src/identity/api-key-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenApiKeys = (context: TestContext) => Promise<ApiKeyStore>

const CALLERS = Array.from({ length: 50 }, (_, at) => at)

/** What every backend of the port `ApiKeyStore` has to do. */
export function apiKeyStoreContract(backend: string, open: OpenApiKeys): void {
  describe(`${backend} as ApiKeyStore`, () => {
    describe('a key', () => {
      it('is found by its digest, as it was inserted and without the digest', async (t) => {
        const store = await open(t)
        const { digest, ...facts } = newKey('a', { upstreams: ['files'], expiresAt: 9_000 })
        await store.insert({ ...facts, digest })
        assert.deepEqual(await store.findByDigest(digest), facts)
      })

      it('without upstreams and expiry has neither when it is found', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        const found = await store.findByDigest('digest-a')
        assert.equal(found && 'upstreams' in found, false)
        assert.equal(found && 'expiresAt' in found, false)
      })

      it('limited to no upstream at all stays limited', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a', { upstreams: [] }))
        assert.deepEqual((await store.findByDigest('digest-a'))?.upstreams, [])
      })

      it('that was never inserted is not found', async (t) => {
        assert.equal(await (await open(t)).findByDigest('digest-a'), undefined)
      })

      for (const [what, clash] of [
        ['id', newKey('a', { digest: 'other' })],
        ['digest', newKey('b', { digest: 'digest-a' })],
      ] as const) {
        it(`with a known ${what} is not inserted, and the first stays`, async (t) => {
          const store = await open(t)
          await store.insert(newKey('a'))
          await assert.rejects(store.insert({ ...clash, name: 'intruder' }))
          assert.equal((await store.findByDigest('digest-a'))?.name, 'key a')
          assert.equal((await store.list('acme')).length, 1)
        })
      }

      it('keeps hostile text as text', async (t) => {
        const store = await open(t)
        const name = `'; drop table api_key; -- "\u0000 \u{1f600}`
        await store.insert(newKey('a', { name, roles: [name] }))
        assert.equal((await store.findByDigest('digest-a'))?.name, name)
      })
    })

    describe('revoke', () => {
      it('is true for exactly one of 50 callers', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        const outcomes = await Promise.all(CALLERS.map((at) => store.revoke('acme', 'a', 2_000 + at)))
        assert.equal(outcomes.filter(Boolean).length, 1)
        const winner = outcomes.indexOf(true)
        assert.equal((await store.findByDigest('digest-a'))?.revokedAt, 2_000 + winner)
      })

      it('does nothing to a key of another tenant', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        assert.equal(await store.revoke('rival', 'a', 2_000), false)
        assert.equal((await store.findByDigest('digest-a'))?.revokedAt, undefined)
      })

      it('is false for a key that does not exist', async (t) => {
        assert.equal(await (await open(t)).revoke('acme', 'a', 2_000), false)
      })
    })

    describe('replace', () => {
      it('gives the successor what the key had, and the key its end', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a', { upstreams: ['files'], expiresAt: 11_000 }))
        const made = await store.replace('acme', 'a', successor('b', { predecessorEndsAt: 6_000 }))
        const { digest: _digest, ...facts } = newKey('a', { upstreams: ['files'] })
        assert.deepEqual(made, { ...facts, id: 'b', createdAt: 5_000, expiresAt: 15_000 })
        assert.deepEqual(await store.findByDigest('digest-b'), made)
        const old = await store.findByDigest('digest-a')
        assert.equal(old?.expiresAt, 6_000)
        assert.equal(old?.replacedBy, 'b')
      })

      it('never lengthens the life of the key', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a', { expiresAt: 7_000 }))
        await store.replace('acme', 'a', successor('b', { predecessorEndsAt: 60_000 }))
        assert.equal((await store.findByDigest('digest-a'))?.expiresAt, 7_000)
      })

      it('takes the expiry that it is given', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        assert.equal((await store.replace('acme', 'a', successor('b', { expiresAt: 8_000 })))?.expiresAt, 8_000)
      })

      it('of a key without expiry makes one without expiry', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        assert.equal((await store.replace('acme', 'a', successor('b')))?.expiresAt, undefined)
      })

      it('has exactly one winner among 50 callers, and no loser leaves a key behind', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        const outcomes = await Promise.all(CALLERS.map((at) => store.replace('acme', 'a', successor(`b${at}`))))
        const winners = outcomes.filter((outcome) => outcome !== undefined)
        assert.equal(winners.length, 1)
        assert.deepEqual(
          (await store.list('acme')).map((key) => key.id),
          ['a', winners[0]?.id],
        )
      })

      it('rejects a successor whose id exists, and leaves the key as it was', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        await store.insert(newKey('b'))
        await assert.rejects(store.replace('acme', 'a', successor('b')))
        const old = await store.findByDigest('digest-a')
        assert.equal(old?.replacedBy, undefined)
        assert.equal(old?.expiresAt, undefined)
      })

      for (const [what, prepare] of [
        ['revoked', (store: ApiKeyStore) => store.revoke('acme', 'a', 2_000)],
        ['replaced', (store: ApiKeyStore) => store.replace('acme', 'a', successor('c'))],
      ] as const) {
        it(`has no outcome for a key that is ${what} already`, async (t) => {
          const store = await open(t)
          await store.insert(newKey('a'))
          await prepare(store)
          assert.equal(await store.replace('acme', 'a', successor('b')), undefined)
          assert.equal(await store.findByDigest('digest-b'), undefined)
        })
      }

      for (const [what, tenant, key] of [
        ['is expired', 'acme', newKey('a', { expiresAt: 5_000 })],
        ['another tenant has', 'rival', newKey('a')],
        ['does not exist', 'acme', newKey('z')],
      ] as const) {
        it(`has no outcome for a key that ${what}`, async (t) => {
          const store = await open(t)
          await store.insert(key)
          assert.equal(await store.replace(tenant, 'a', successor('b')), undefined)
          assert.equal(await store.findByDigest('digest-b'), undefined)
        })
      }
    })

    describe('list', () => {
      it('shows the keys of one tenant, oldest first', async (t) => {
        const store = await open(t)
        await store.insert(newKey('late', { createdAt: 3_000 }))
        await store.insert(newKey('early', { createdAt: 1_000 }))
        await store.insert(newKey('foreign', { tenant: 'rival' }))
        assert.deepEqual(
          (await store.list('acme')).map((key) => key.id),
          ['early', 'late'],
        )
      })
    })

    describe('touch', () => {
      it('moves the last use forward and never back', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        await store.touch(new Map([['a', 5_000]]))
        await store.touch(new Map([['a', 4_000]]))
        assert.equal((await store.findByDigest('digest-a'))?.lastUsedAt, 5_000)
      })

      it('takes more keys than fit into one statement, unknown ones among them, and none', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        await store.insert(newKey('b'))
        const strangers = Array.from({ length: 1_200 }, (_, at) => [`x${at}`, 1] as const)
        await store.touch(new Map([['a', 5_000], ...strangers, ['b', 6_000]]))
        await store.touch(new Map())
        assert.deepEqual(
          (await store.list('acme')).map((key) => key.lastUsedAt),
          [5_000, 6_000],
        )
      })

      it('ends at the latest of 50 uses at once', async (t) => {
        const store = await open(t)
        await store.insert(newKey('a'))
        await Promise.all(CALLERS.map((at) => store.touch(new Map([['a', 5_000 + ((at * 7) % 50)]]))))
        assert.equal((await store.findByDigest('digest-a'))?.lastUsedAt, 5_049)
      })
    })
  })
}

function newKey(id: string, changes: Partial<NewApiKey> = {}): NewApiKey {
  const name = `key ${id}`
  const facts = {
    id,
    digest: `digest-${id}`,
    tenant: 'acme',
    principal: `key:${id}`,
    name,
    roles: ['reader'],
    createdAt: 1_000,
  }
  return { ...facts, ...changes }
}

function successor(id: string, changes: Partial<ApiKeySuccessor> = {}): ApiKeySuccessor {
  return { id, digest: `digest-${id}`, createdAt: 5_000, predecessorEndsAt: 5_000, ...changes }
}
