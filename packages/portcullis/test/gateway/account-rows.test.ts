/** Secrets of accounts are sealed anew with the data key of their tenant, and end with it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SealBroken } from '../../src/data-protection/envelope.ts'
import { accountSeal } from '../../src/gateway/account-seal.ts'
import { placeOf } from '../../src/identity/server/totp.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { testKeys } from '../fixtures/keys.ts'

test('a second factor survives new keys, is sealed by the newest, fits no other account, and ends with its tenant', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-accounts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const stores = openMemoryStores()
  const { keyring, work, vault } = testKeys(stores, folder, { now: () => 1_000 })
  const seal = accountSeal(keyring)
  const rest = { roles: [], createdAt: 1 }
  for (const [id, tenant] of [
    ['a', 'one'],
    ['b', 'one'],
    ['c', 'two'],
  ] as const) {
    const totp = id === 'b' ? 'no sealed value' : await seal.seal(`secret of ${id}`, placeOf({ id, tenant }))
    await stores.accounts.insert({ id, tenant, name: id, totp, ...rest })
  }
  const sealedOf = async (id: string) => (await stores.accounts.findById(id))?.totp ?? ''
  const untouched = await sealedOf('c')
  assert.equal(await keyring.rotate('one'), 2)
  await work.reseal('one', async () => {})
  assert.deepEqual(work.progress('one'), { state: 'done', done: 2, total: 2, changed: 1, broken: 1 })
  assert.match(await sealedOf('a'), /^s1\.2\./)
  assert.equal(await sealedOf('c'), untouched)
  const a = { id: 'a', tenant: 'one' }
  assert.equal(await seal.open(await sealedOf('a'), placeOf(a)), 'secret of a')
  for (const place of [
    placeOf({ ...a, id: 'b' }),
    { ...placeOf(a), column: 'password' },
    { ...placeOf(a), table: 'passkey' },
  ])
    await assert.rejects(seal.open(await sealedOf('a'), place), SealBroken)
  await vault.shred('one')
  await assert.rejects(seal.open(await sealedOf('a'), placeOf(a)), SealBroken)
  assert.equal(await seal.open(await sealedOf('c'), placeOf({ id: 'c', tenant: 'two' })), 'secret of c')
})
