/** What fails halfway leaves nothing that works on, and a second try finds it and ends it. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { clientFamily, grantFamily } from '../../src/identity/server/families.ts'
import type { Revocation } from '../../src/identity/revocation-store.ts'
import { adminDesk } from './desk.ts'

/** Lets one call of a method fail. */
function failing(t: TestContext, store: object, verb: string) {
  const mocked = t.mock.method(store as Record<string, () => unknown>, verb)
  mocked.mock.mockImplementationOnce(() => Promise.reject(new Error('the store is gone')))
}

async function scene(t: TestContext) {
  const desk = adminDesk(t)
  const { stores, now, ask } = desk
  await ask('POST', '/users', { name: 'alice', roles: ['user'] })
  const [account] = await stores.accounts.list('default')
  const id = account?.id ?? ''
  const of = { account: id, tenant: 'default', createdAt: 1 }
  const passkey = { publicKey: 'x', counter: 0, transports: [], synced: false, label: 'x' }
  await stores.passkeys.add({ ...of, ...passkey, id: 'p' }, 10)
  await stores.grants.put({
    ...{ kind: 'AccessToken', digest: 'd', payload: '{}', expiresAt: now + 1e6, account: id, grant: 'g' },
  })
  const { document } = (await ask('POST', '/clients', { name: 'robot', roles: ['user'], proof: 'secret' })) as {
    document: { id: string }
  }
  const revoked = async () => (await stores.revocations.since(0, 100)).map(({ id: name }: Revocation) => name)
  return { ...desk, account: id, client: document.id, revoked }
}

describe('what an account may do', () => {
  const WAYS: readonly (readonly [what: string, method: string, path: string])[] = [
    ['disabled', 'POST', '/users/alice/disable'],
    ['removed', 'DELETE', '/users/alice'],
    ['taken a passkey', 'DELETE', '/users/alice/passkeys/p'],
  ]
  for (const [what, method, path] of WAYS) {
    it(`ends with the second try when the first failed to revoke: ${what}`, async (t) => {
      const { ask, stores, account, revoked, told } = await scene(t)
      const before = await stores.grants.ofAccounts([account])
      failing(t, stores.revocations, 'revoke')
      await assert.rejects(ask(method, path), /the store is gone/)
      assert.deepEqual(await stores.grants.ofAccounts([account]), before, 'what is to be revoked can still be found')
      assert.match(told.at(-1) ?? '', /\.failed$/)
      await ask(method, path)
      assert.ok((await revoked()).includes(grantFamily('g')))
      assert.deepEqual(await stores.grants.ofAccounts([account]), [])
    })
  }

  it('is revoked also where it began while the account was being ended', async (t) => {
    const { ask, stores, account, now, revoked } = await scene(t)
    const late = { kind: 'AccessToken', digest: 'late', payload: '{}', expiresAt: now + 1e6, account, grant: 'late' }
    const { removeAccount } = stores.grants
    t.mock.method(stores.grants, 'removeAccount', async (id: string) => {
      await stores.grants.put(late)
      return removeAccount.call(stores.grants, id)
    })
    await ask('POST', '/users/alice/disable')
    assert.ok((await revoked()).includes(grantFamily('late')))
  })
})

describe('a client', () => {
  it('is still there for a second try when its tokens could not be revoked', async (t) => {
    const { ask, stores, client, revoked } = await scene(t)
    failing(t, stores.revocations, 'revoke')
    await assert.rejects(ask('DELETE', `/clients/${client}`), /the store is gone/)
    assert.deepEqual(await revoked(), [])
    await ask('DELETE', `/clients/${client}`)
    assert.ok((await revoked()).includes(clientFamily(client)))
    assert.deepEqual(await stores.clients.list('default'), [])
  })
})

describe('what was deposited', () => {
  it('goes before its owner, so that a second try finds it', async (t) => {
    const { ask, stores, account, client, view } = await scene(t)
    const owners = [
      [`user:${account}`, '/users/alice'],
      [`client:${client}`, `/clients/${client}`],
    ] as const
    for (const [principal, path] of owners) {
      await view.vault().put({ tenant: 'default', upstream: 'mail', principal, kind: 'static' }, new Secret('s'))
      failing(t, view.vault(), 'removePrincipal')
      await assert.rejects(ask('DELETE', path), /the store is gone/)
      assert.equal((await stores.credentials.list('default')).length, 1)
      await ask('DELETE', path)
      assert.deepEqual(await stores.credentials.list('default'), [])
      t.mock.restoreAll()
    }
    assert.deepEqual([await stores.accounts.list('default'), await stores.clients.list('default')], [[], []])
  })
})

describe('an account without its first invitation', () => {
  it('was made, and nothing on record denies it', async (t) => {
    const { ask, stores, told } = adminDesk(t)
    failing(t, stores.grants, 'put')
    await assert.rejects(ask('POST', '/users', { name: 'bob', roles: ['user'] }), /the store is gone/)
    assert.deepEqual(told, ['user.created'])
    const { document } = (await ask('POST', '/users/bob/invitation')) as { document: { link: string } }
    assert.match(document.link, /welcome\?ticket=/)
  })
})
