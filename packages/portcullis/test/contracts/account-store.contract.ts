import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { AccountStore, NewAccount } from '../../src/identity/server/account-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenAccounts = (context: TestContext) => Promise<AccountStore>

const CALLERS = Array.from({ length: 50 }, (_, at) => at)

/** What every backend of the port `AccountStore` has to do. */
export function accountStoreContract(backend: string, open: OpenAccounts): void {
  describe(`${backend} as AccountStore`, () => {
    it('gives an account back by its id and by its name', async (t) => {
      const store = await open(t)
      const made = account('a', { password: 'phc', totp: 'sealed', disabledAt: 7 })
      assert.equal(await store.insert(made), true)
      const known = { ...made, failures: 0, lockedUntil: 0 }
      assert.deepEqual(await store.findById('a'), known)
      assert.deepEqual(await store.findByName('name-a'), known)
      assert.equal(await store.findByName('a'), undefined)
    })

    it('gives a name to exactly one of 50 callers', async (t) => {
      const store = await open(t)
      const outcomes = await Promise.all(CALLERS.map((at) => store.insert(account(`id-${at}`, { name: 'alice' }))))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.findByName('alice'))?.id, `id-${outcomes.indexOf(true)}`)
    })

    it('lists one tenant by name', async (t) => {
      const store = await open(t)
      for (const id of ['b', 'a']) await store.insert(account(id))
      await store.insert(account('c', { tenant: 'rival' }))
      assert.deepEqual(
        (await store.list('acme')).map(({ id }) => id),
        ['a', 'b'],
      )
    })

    it('takes a secret that was sealed anew only in place of the one that was read', async (t) => {
      const store = await open(t)
      await store.insert(account('a', { totp: 'old' }))
      assert.equal(await store.resealTotp('rival', 'a', 'old', 'new'), false)
      const outcomes = await Promise.all(CALLERS.map((at) => store.resealTotp('acme', 'a', 'old', `new ${at}`)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.findById('a'))?.totp, `new ${outcomes.indexOf(true)}`)
      await store.update('acme', 'a', { totp: null })
      assert.equal(await store.resealTotp('acme', 'a', 'old', 'new'), false)
      assert.equal((await store.findById('a'))?.totp, undefined)
    })

    it('changes what it is told to, of the own tenant only', async (t) => {
      const store = await open(t)
      await store.insert(account('a', { password: 'old' }))
      assert.equal(await store.update('rival', 'a', { password: 'new' }), false)
      assert.equal((await store.findById('a'))?.password, 'old')
      await store.update('acme', 'a', { totp: 'sealed', disabledAt: 5 })
      assert.partialDeepStrictEqual(await store.findById('a'), { password: 'old', totp: 'sealed', disabledAt: 5 })
      await store.update('acme', 'a', { totp: null, disabledAt: null, roles: ['other'], password: 'new' })
      assert.deepEqual(await store.findById('a'), {
        ...account('a'),
        roles: ['other'],
        password: 'new',
        failures: 0,
        lockedUntil: 0,
      })
    })

    it('is removed by exactly one of 50 callers of its own tenant, and its name is free again', async (t) => {
      const store = await open(t)
      await store.insert(account('a'))
      assert.equal(await store.remove('rival', 'a'), false)
      const outcomes = await Promise.all(CALLERS.map(() => store.remove('acme', 'a')))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal(await store.findById('a'), undefined)
      assert.equal(await store.insert(account('b', { name: 'name-a' })), true)
    })

    it('lets one of 50 simultaneous guesses through, and counts it', async (t) => {
      const store = await open(t)
      await store.insert(account('a'))
      const outcomes = await Promise.all(CALLERS.map(() => store.attempt('a', 0, 1_000, 0)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.findById('a'))?.failures, 1)
    })

    it('lets none through while the account is locked, and forgets with a success', async (t) => {
      const store = await open(t)
      await store.insert(account('a'))
      assert.equal(await store.attempt('a', 0, 1_000, 5_000), true)
      assert.equal(await store.attempt('a', 1, 4_999, 0), false)
      assert.equal(await store.attempt('a', 1, 5_000, 0), true)
      assert.equal(await store.succeed('a', 0), true)
      assert.partialDeepStrictEqual(await store.findById('a'), { failures: 0, lockedUntil: 0 })
      assert.equal(await store.attempt('b', 0, 1_000, 0), false)
    })

    it('takes each step of a one-time code once, and never an earlier one', async (t) => {
      const store = await open(t)
      await store.insert(account('a'))
      const outcomes = await Promise.all(CALLERS.map(() => store.succeed('a', 100)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal(await store.succeed('a', 99), false)
      assert.equal(await store.succeed('a', 101), true)
      assert.equal(await store.succeed('a', 0), true, 'an account without a second factor has no steps')
      assert.equal(await store.succeed('a', 101), false)
    })
  })
}

function account(id: string, changes: Partial<NewAccount> = {}): NewAccount {
  return { id, tenant: 'acme', name: `name-${id}`, roles: ['user'], createdAt: 1_000, ...changes }
}
