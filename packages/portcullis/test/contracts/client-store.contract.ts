import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ClientStore, OAuthClient } from '../../src/identity/server/client-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenClients = (context: TestContext) => Promise<ClientStore>

const CALLERS = Array.from({ length: 50 }, (_, at) => at)

/** What every backend of the port `ClientStore` has to do. */
export function clientStoreContract(backend: string, open: OpenClients): void {
  describe(`${backend} as ClientStore`, () => {
    it('gives a client back as it was', async (t) => {
      const store = await open(t)
      const made = client('a', { secretDigest: 'digest', roles: ['admin'] })
      assert.equal(await store.insert(made), true)
      assert.deepEqual(await store.find('a'), made)
      assert.equal(await store.find('b'), undefined)
    })

    it('gives an id to exactly one of 50 callers', async (t) => {
      const store = await open(t)
      const outcomes = await Promise.all(CALLERS.map((at) => store.insert(client('a', { name: `${at}` }))))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.find('a'))?.name, `${outcomes.indexOf(true)}`)
    })

    it('lists one tenant, oldest first, and counts those that registered themselves', async (t) => {
      const store = await open(t)
      await store.insert(client('late', { createdAt: 3_000, origin: 'registration' }))
      await store.insert(client('early'))
      await store.insert(client('foreign', { tenant: 'rival', origin: 'registration' }))
      assert.deepEqual(
        (await store.list('acme')).map(({ id }) => id),
        ['early', 'late'],
      )
      assert.equal(await store.countRegistered(), 2)
    })

    it('changes what it is told to, of the own tenant only', async (t) => {
      const store = await open(t)
      await store.insert(client('a', { secretDigest: 'old' }))
      assert.equal(await store.update('rival', 'a', { secretDigest: 'new' }), false)
      assert.equal((await store.find('a'))?.secretDigest, 'old')
      assert.equal(await store.update('acme', 'a', { disabledAt: 5 }), true)
      assert.deepEqual(await store.find('a'), client('a', { secretDigest: 'old', disabledAt: 5 }))
      assert.equal(await store.update('acme', 'a', { secretDigest: 'new', disabledAt: null }), true)
      assert.deepEqual(await store.find('a'), client('a', { secretDigest: 'new' }))
      const outcomes = await Promise.all(CALLERS.map((at) => store.update('acme', 'a', { secretDigest: `${at}` })))
      assert.ok(outcomes.every(Boolean))
    })

    it('is removed by exactly one of 50 callers of its own tenant', async (t) => {
      const store = await open(t)
      await store.insert(client('a'))
      assert.equal(await store.remove('rival', 'a'), false)
      const outcomes = await Promise.all(CALLERS.map(() => store.remove('acme', 'a')))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal(await store.find('a'), undefined)
    })
  })
}

function client(id: string, changes: Partial<OAuthClient> = {}): OAuthClient {
  const facts = {
    id,
    tenant: 'acme',
    name: `client ${id}`,
    metadata: '{"redirect_uris":[]}',
    roles: [],
    createdAt: 1_000,
  }
  return { ...facts, origin: 'operator', ...changes }
}
