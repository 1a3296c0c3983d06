import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Passkey, PasskeyStore } from '../../src/identity/server/passkeys/passkey-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenPasskeys = (context: TestContext) => Promise<PasskeyStore>

const CALLERS = Array.from({ length: 50 }, (_, at) => at)

/** What every backend of the port `PasskeyStore` has to do. */
export function passkeyStoreContract(backend: string, open: OpenPasskeys): void {
  describe(`${backend} as PasskeyStore`, () => {
    it('gives a passkey back as it was added, and lists those of an account, oldest first', async (t) => {
      const store = await open(t)
      const second = passkey('b', { createdAt: 2_000, transports: [], synced: true, lastUsedAt: 7 })
      for (const one of [second, passkey('a'), passkey('c', { account: 'bob' })]) {
        assert.equal(await store.add(one, 5), true)
      }
      assert.deepEqual(await store.find('b'), second)
      assert.deepEqual(await store.ofAccount('alice'), [passkey('a'), second])
      assert.equal(await store.find('d'), undefined)
    })

    it('gives an id to exactly one of 50 callers', async (t) => {
      const store = await open(t)
      const outcomes = await Promise.all(CALLERS.map((at) => store.add(passkey('a', { account: `account-${at}` }), 5)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.find('a'))?.account, `account-${outcomes.indexOf(true)}`)
    })

    it('keeps no more for an account than it may have, however many come at once', async (t) => {
      const store = await open(t)
      const outcomes = await Promise.all(CALLERS.map((at) => store.add(passkey(`id-${at}`), 3)))
      assert.equal(outcomes.filter(Boolean).length, 3)
      assert.equal((await store.ofAccount('alice')).length, 3)
      assert.equal(await store.add(passkey('x', { account: 'bob' }), 3), true)
    })

    it('takes each counter from exactly one of 50 callers, and never an earlier one', async (t) => {
      const store = await open(t)
      await store.add(passkey('a', { counter: 4 }), 5)
      const outcomes = await Promise.all(CALLERS.map((at) => store.use('a', 5, 1_000 + at)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      for (const counter of [0, 4, 5]) assert.equal(await store.use('a', counter, 9_000), false, String(counter))
      assert.partialDeepStrictEqual(await store.find('a'), { counter: 5, lastUsedAt: 1_000 + outcomes.indexOf(true) })
      assert.equal(await store.use('a', 9, 9_000), true)
      assert.equal(await store.use('b', 9, 9_000), false)
    })

    it('lets an authenticator stay at 0 that does not count, until it counts', async (t) => {
      const store = await open(t)
      await store.add(passkey('a', { counter: 0 }), 5)
      assert.equal(await store.use('a', 0, 2_000), true)
      assert.equal(await store.use('a', 0, 3_000), true)
      assert.equal(await store.use('a', 1, 4_000), true)
      assert.equal(await store.use('a', 0, 5_000), false)
    })

    it('removes a passkey of this account only, for exactly one of 50 callers', async (t) => {
      const store = await open(t)
      await store.add(passkey('a'), 5)
      assert.equal(await store.remove('bob', 'a'), false)
      const outcomes = await Promise.all(CALLERS.map(() => store.remove('alice', 'a')))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal(await store.find('a'), undefined)
    })

    it('removes all of an account, and no others', async (t) => {
      const store = await open(t)
      for (const one of [passkey('a'), passkey('b'), passkey('c', { account: 'bob' })]) await store.add(one, 5)
      assert.equal(await store.removeAccount('alice'), 2)
      assert.deepEqual(await store.ofAccount('alice'), [])
      assert.ok(await store.find('c'))
    })
  })
}

function passkey(id: string, changes: Partial<Passkey> = {}): Passkey {
  const usual = { account: 'alice', tenant: 'acme', publicKey: 'cose', counter: 0, transports: ['usb'], synced: false }
  return { id, ...usual, label: `passkey ${id}`, createdAt: 1_000, ...changes }
}
