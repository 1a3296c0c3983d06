import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { AccountLink, AccountLinkStore } from '../../src/identity/server/providers/account-link-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenAccountLinks = (context: TestContext) => Promise<AccountLinkStore>

const CALLERS = Array.from({ length: 50 }, (_, at) => at)
const ISSUER = 'https://people.example'

/** What every backend of the port `AccountLinkStore` has to do. */
export function accountLinkStoreContract(backend: string, open: OpenAccountLinks): void {
  describe(`${backend} as AccountLinkStore`, () => {
    it('finds a link by issuer and subject together, and by nothing less', async (t) => {
      const store = await open(t)
      const other = link('alice', { issuer: 'https://other.example', account: 'b', origin: 'operator' })
      assert.equal(await store.add(link('alice')), true)
      assert.equal(await store.add(other), true)
      assert.deepEqual(await store.find(ISSUER, 'alice'), link('alice'))
      assert.deepEqual(await store.find('https://other.example', 'alice'), other)
      assert.equal(await store.find(ISSUER, 'bob'), undefined)
      assert.equal(await store.find('https://third.example', 'alice'), undefined)
    })

    it('gives a subject to exactly one of 50 callers', async (t) => {
      const store = await open(t)
      const outcomes = await Promise.all(CALLERS.map((at) => store.add(link('alice', { account: `account-${at}` }))))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.find(ISSUER, 'alice'))?.account, `account-${outcomes.indexOf(true)}`)
    })

    it('lists the links of an account, oldest first', async (t) => {
      const store = await open(t)
      for (const one of [link('b', { createdAt: 2_000 }), link('a'), link('c', { account: 'x' })]) await store.add(one)
      assert.deepEqual(
        (await store.ofAccount('a')).map(({ subject }) => subject),
        ['a', 'b'],
      )
    })

    it('removes a link of this account only, for exactly one of 50 callers', async (t) => {
      const store = await open(t)
      await store.add(link('alice'))
      assert.equal(await store.remove('b', ISSUER, 'alice'), false)
      const outcomes = await Promise.all(CALLERS.map(() => store.remove('a', ISSUER, 'alice')))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal(await store.find(ISSUER, 'alice'), undefined)
    })

    it('removes all of an account, and no others', async (t) => {
      const store = await open(t)
      for (const one of [link('alice'), link('also'), link('bob', { account: 'b' })]) await store.add(one)
      assert.equal(await store.removeAccount('a'), 2)
      assert.ok(await store.find(ISSUER, 'bob'))
    })
  })
}

function link(subject: string, changes: Partial<AccountLink> = {}): AccountLink {
  return { issuer: ISSUER, subject, account: 'a', tenant: 'acme', origin: 'provider', createdAt: 1_000, ...changes }
}
