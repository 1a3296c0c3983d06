/** The port `ConsentStore` over the stores of the gateway, and what two nodes make of one person who connects. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { accountSeal } from '../../src/gateway/account-seal.ts'
import { consentStore } from '../../src/gateway/consent-store.ts'
import { privateFolder } from '../../src/pki/private-file.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import type { Stores } from '../../src/stores/stores.ts'
import { Consents } from '../../src/upstream/oauth/consents.ts'
import { consentStoreContract } from '../contracts/consent-store.contract.ts'
import { testKeys } from '../fixtures/keys.ts'
import { storeFile } from '../stores/store-file.ts'
import { dirname, join } from 'node:path'

const clock = { at: 1_000, now: () => clock.at }

function nodeOf(stores: Stores, folder: string) {
  privateFolder(folder)
  return consentStore({
    grants: stores.grants,
    seal: accountSeal(testKeys(stores, folder, clock).keyring),
    clock,
  })
}

const BACKENDS: Readonly<Record<string, (t: TestContext) => Promise<readonly [Stores, Stores, string]>>> = {
  memory: async (t) => {
    const stores = openMemoryStores()
    return [stores, stores, storeFile(t)]
  },
  sqlite: async (t) => {
    const path = storeFile(t)
    const both = [await openSqliteStores({ path }), await openSqliteStores({ path })] as const
    t.after(() => Promise.all(both.map((stores) => stores.close())))
    return [...both, path]
  },
}

async function nodes(t: TestContext, backend: string) {
  const [one, two, path] = await (BACKENDS[backend] as NonNullable<(typeof BACKENDS)[string]>)(t)
  const folder = join(dirname(path), 'state')
  return { path, stores: [nodeOf(one, folder), nodeOf(two, folder)] as const }
}

for (const backend of Object.keys(BACKENDS)) {
  consentStoreContract(backend, async (t) => (await nodes(t, backend)).stores)

  describe(`consents in ${backend}`, () => {
    const person = { tenant: 'acme', principal: 'user:a' }
    const wanted = { upstream: 'mail', scopes: ['read'] }
    const opened = async (t: TestContext) => (await nodes(t, backend)).stores.map((store) => new Consents(store, clock))

    it('are one for one wish, whichever node is asked, and a principal has one for each upstream', async (t) => {
      const [here, there] = (await opened(t)) as [Consents, Consents]
      const ticket = await here.invite(person, person, wanted)
      assert.deepEqual(await there.invite(person, person, wanted), ticket)
      const other = await there.invite(person, person, { ...wanted, scopes: ['write'] })
      assert.notEqual(other.id, ticket.id)
      assert.equal(await here.find(ticket.id), undefined, 'the older wish gave way')
      const stranger = await here.invite({ ...person, principal: 'user:b' }, person, wanted)
      assert.deepEqual([await there.find(other.id), await there.find(stranger.id)], [other, stranger])
    })

    it('are used up once, by 50 at once on two nodes', async (t) => {
      const both = await opened(t)
      const { id } = await (both[0] as Consents).invite(person, person, wanted)
      const used = await Promise.all(Array.from({ length: 50 }, (_, at) => (both[at % 2] as Consents).use(id)))
      assert.equal(used.filter(Boolean).length, 1)
    })

    it('take five wrong proofs, however they are spread', async (t) => {
      const both = await opened(t)
      const [here, there] = both as [Consents, Consents]
      const { id } = await here.invite(person, person, wanted)
      await Promise.all([0, 1, 0, 1].map((at) => (both[at] as Consents).failed(id)))
      assert.notEqual(await here.find(id), undefined)
      await there.failed(id)
      assert.equal(await here.find(id), undefined)
    })

    it('end after ten minutes', async (t) => {
      const [here, there] = (await opened(t)) as [Consents, Consents]
      const { id } = await here.invite(person, person, wanted)
      clock.at += 10 * 60_000
      assert.equal(await there.find(id), undefined)
      assert.equal(await there.use(id), false)
      const next = await there.invite(person, person, wanted)
      assert.notEqual(next.id, id)
      assert.deepEqual(await here.invite(person, person, wanted), next, 'what has ended is not found in its place')
    })

    it('go on at another node than the one that sent the person away, once', async (t) => {
      const [here, there] = (await opened(t)) as [Consents, Consents]
      const ticket = await here.invite(person, person, wanted)
      const found = { resource: 'https://mail.example/mcp', server: { issuer: 'https://as.example' } }
      const flow = { found, clientId: 'c', verifier: 'v', state: 'a state', scopes: ['read'] }
      await here.leave({ ticket, flow, browser: 'digest' })
      assert.deepEqual(await there.arrive('a state'), { ticket, flow, browser: 'digest' })
      assert.equal(await here.arrive('a state'), undefined)
    })
  })
}

describe('consents at rest', () => {
  it('hold neither a state nor a verifier nor the id of a link in the clear', async (t) => {
    const { path, stores } = await nodes(t, 'sqlite')
    const consents = new Consents(stores[0], clock)
    const person = { tenant: 'acme', principal: 'user:a' }
    const ticket = await consents.invite(person, person, { upstream: 'mail', scopes: [] })
    const found = { resource: 'r', server: { issuer: 'https://as.example' } }
    const flow = { found, clientId: 'c', verifier: 'the-verifier-itself', state: 'the-state-itself', scopes: [] }
    await consents.leave({ ticket, flow, browser: 'digest' })
    const bytes = [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join('')
    for (const secret of [ticket.id, flow.verifier, flow.state]) assert.ok(!bytes.includes(secret), secret)
  })
})
