/** A token that an identity assertion was exchanged for is of no consent; what ends the others of its account ends it too. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from '../../src/identity/server/account-store.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { type AssertingGateway, startAsserting } from '../fixtures/asserting-gateway.ts'
import { PASSWORD } from '../fixtures/sign-in.ts'

const OUTSIDE = ['https://elsewhere.example', 'S1'] as const

/** What ends everything that somebody with this account may do. */
const ENDINGS: Readonly<Record<string, (all: AssertingGateway, account: Account) => Promise<unknown>>> = {
  'a change of roles': ({ gateway }, account) => gateway.accounts.setRoles(account, ['user']),
  'a new password': ({ gateway }, account) => gateway.accounts.setPassword(account, `${PASSWORD} again`),
  'an unlinked sign-in': async ({ gateway }, account) => {
    assert.ok(await gateway.accounts.link(account, ...OUTSIDE))
    assert.ok(await gateway.accounts.unlink(account, ...OUTSIDE))
  },
  'a removed passkey': async ({ gateway }, account) => {
    const { id, tenant } = account
    const stores = await openSqliteStores({ path: join(gateway.stateFolder, 'store.sqlite') })
    const key = { publicKey: 'AA', counter: 0, transports: [], synced: false, label: 'key', createdAt: 1 }
    assert.ok(await stores.passkeys.add({ ...key, id: `key of ${id}`, account: id, tenant }, 9))
    await stores.close()
    assert.ok(await gateway.accounts.removePasskey(account, `key of ${id}`))
  },
  '"end everything" on the page of the account': async ({ gateway }, { name }) => {
    const browser = gateway.browser()
    const page = await browser.submit(await browser.get('/auth/account'), '/sign-in', { name, password: PASSWORD })
    const ended = await browser.submit(page, '/end-all')
    assert.equal(ended.status, 200, ended.text)
  },
}

describe('a token of an identity assertion', { timeout: 60_000 }, () => {
  let all: AssertingGateway
  before(async () => {
    all = await startAsserting({ issuer: { account: { claim: 'login' } } })
    await all.gateway.person('bystander', ['admin'])
  })
  after(() => all.close())

  const tokenOf = async (login: string): Promise<string> => {
    const told = await all.present(await all.assertion({ login }))
    assert.equal(told.status, 200, told.text)
    return String(told.json.access_token)
  }

  Object.entries(ENDINGS).forEach(([what, end], at) => {
    it(`ends with ${what}, and no other does`, async () => {
      const account = await all.gateway.person(`person${at}`, ['admin'])
      const [token, second, other] = [
        await tokenOf(account.name),
        await tokenOf(account.name),
        await tokenOf('bystander'),
      ]
      for (const one of [token, second, other]) assert.equal((await all.echo(one)).status, 200)
      await end(all, account)
      for (let tries = 0; tries < 50 && (await all.echo(second)).status !== 401; tries++) await sleep(100)
      const earlier = all.upstream.count()
      for (const one of [token, second]) assert.equal((await all.echo(one)).status, 401)
      assert.equal(all.upstream.count(), earlier, 'nothing reached the upstream')
      assert.equal((await all.echo(other)).status, 200)
    })
  })

  it('is on record as ended, by its name, when the person ends everything', () => {
    assert.ok(all.gateway.records().some(({ what, detail }) => what === 'token.revoked' && detail !== undefined))
  })
})
