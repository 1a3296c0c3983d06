import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { GrantEntry, GrantStore } from '../../src/identity/server/grant-store.ts'

/** Opens an empty store that is closed when the test ends. */
export type OpenGrants = (context: TestContext) => Promise<GrantStore>

const CALLERS = Array.from({ length: 50 }, (_, at) => at)

/** What every backend of the port `GrantStore` has to do. */
export function grantStoreContract(backend: string, open: OpenGrants): void {
  describe(`${backend} as GrantStore`, () => {
    it('gives back what was put, by its digest and by its alias', async (t) => {
      const store = await open(t)
      const made = entry('a', { grant: 'g', account: 'alice', alias: 'one' })
      await store.put(made)
      assert.deepEqual(await store.find('Code', 'a'), made)
      assert.deepEqual(await store.findByAlias('Code', 'one'), made)
      assert.equal(await store.find('Token', 'a'), undefined)
      assert.equal(await store.findByAlias('Token', 'one'), undefined)
      assert.equal(await store.find('Code', 'b'), undefined)
    })

    it('rewrites an entry, but not its family, its alias or its use', async (t) => {
      const store = await open(t)
      await store.put(entry('a', { grant: 'g', account: 'alice', alias: 'one' }))
      assert.equal(await store.consume('Code', 'a', 5_000), true)
      await store.put(entry('a', { payload: '{"b":2}', expiresAt: 99_000 }))
      const expected = {
        grant: 'g',
        account: 'alice',
        alias: 'one',
        consumedAt: 5_000,
        payload: '{"b":2}',
        expiresAt: 99_000,
      }
      assert.deepEqual(await store.find('Code', 'a'), { ...entry('a'), ...expected })
    })

    it('lets exactly one of 50 callers use an entry', async (t) => {
      const store = await open(t)
      await store.put(entry('a'))
      const outcomes = await Promise.all(CALLERS.map((at) => store.consume('Code', 'a', 1_000 + at)))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.find('Code', 'a'))?.consumedAt, 1_000 + outcomes.indexOf(true))
      assert.equal(await store.consume('Code', 'b', 1), false)
    })

    it('adds an entry for exactly one of 50 callers', async (t) => {
      const store = await open(t)
      const outcomes = await Promise.all(CALLERS.map((at) => store.add(entry('a', { payload: `{"at":${at}}` }))))
      assert.equal(outcomes.filter(Boolean).length, 1)
      assert.equal((await store.find('Code', 'a'))?.payload, `{"at":${outcomes.indexOf(true)}}`)
    })

    it('hands a removed entry to exactly one of 50 callers', async (t) => {
      const store = await open(t)
      await store.put(entry('a'))
      const outcomes = await Promise.all(CALLERS.map(() => store.remove('Code', 'a')))
      assert.equal(outcomes.filter((one) => one !== undefined).length, 1)
      assert.equal(await store.find('Code', 'a'), undefined)
    })

    it('ends a family, and nothing else', async (t) => {
      const store = await open(t)
      await store.put(entry('a', { grant: 'g' }))
      await store.put(entry('b', { kind: 'Token', grant: 'g' }))
      await store.put(entry('c', { grant: 'h' }))
      await store.put(entry('d'))
      assert.equal(await store.removeGrant('g'), 2)
      assert.equal(await store.find('Code', 'a'), undefined)
      assert.ok(await store.find('Code', 'c'))
      assert.ok(await store.find('Code', 'd'))
    })

    it('ends what an account has, and says what that was', async (t) => {
      const store = await open(t)
      await store.put(entry('a', { grant: 'g', account: 'alice' }))
      await store.put(entry('b', { grant: 'g', account: 'alice' }))
      await store.put(entry('c', { grant: 'f', account: 'alice' }))
      await store.put(entry('d', { account: 'alice' }))
      await store.put(entry('e', { grant: 'h', account: 'bob' }))
      await store.put(entry('a', { kind: 'Token', account: 'alice' }))
      assert.deepEqual(
        (await store.removeAccount('alice')).map(({ kind, digest, grant }) => [kind, digest, grant]),
        [
          ['Code', 'a', 'g'],
          ['Code', 'b', 'g'],
          ['Code', 'c', 'f'],
          ['Code', 'd', undefined],
          ['Token', 'a', undefined],
        ],
      )
      assert.deepEqual(await store.removeAccount('alice'), [])
      assert.ok(await store.find('Code', 'e'))
    })

    it('shows what belongs to accounts, while 50 callers write, and nothing of others', async (t) => {
      const store = await open(t)
      const made = await Promise.all(
        CALLERS.map((at) => store.put(entry(`d${at}`, { account: at % 2 === 0 ? 'alice' : 'bob' }))),
      )
      assert.equal(made.length, 50)
      await store.put(entry('a', { kind: 'Token', account: 'carol' }))
      await store.put(entry('a', { account: 'carol', grant: 'g' }))
      await store.put(entry('nobody'))
      assert.equal((await store.ofAccounts(['alice'])).length, 25)
      assert.equal((await store.ofAccounts(['alice', 'bob'])).length, 50)
      assert.deepEqual(
        (await store.ofAccounts(['carol', 'dave'])).map(({ kind, digest, grant }) => [kind, digest, grant]),
        [
          ['Code', 'a', 'g'],
          ['Token', 'a', undefined],
        ],
      )
      assert.deepEqual(await store.ofAccounts([]), [])
    })

    it('counts what there is of a kind, while 50 callers write', async (t) => {
      const store = await open(t)
      await Promise.all(CALLERS.map((at) => store.put(entry(`c${at}`, { kind: at % 2 === 0 ? 'Code' : 'Token' }))))
      await store.put(entry('c0'))
      assert.deepEqual([await store.count('Code'), await store.count('Token'), await store.count('None')], [25, 25, 0])
    })

    it('sweeps what is over', async (t) => {
      const store = await open(t)
      await store.put(entry('a', { expiresAt: 5_000 }))
      await store.put(entry('b', { expiresAt: 5_001 }))
      assert.equal(await store.sweep(4_999), 0)
      assert.equal(await store.sweep(5_000), 1)
      assert.equal(await store.find('Code', 'a'), undefined)
      assert.ok(await store.find('Code', 'b'))
    })
  })
}

function entry(digest: string, changes: Partial<GrantEntry> = {}): GrantEntry {
  return { kind: 'Code', digest, payload: '{"a":1}', expiresAt: 9_000, ...changes }
}
