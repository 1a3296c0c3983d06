import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { carryOver, endGrants, mustBeSoundSqlite } from '../../src/stores/sqlite/snapshot.ts'

function places(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-carry-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { live: join(folder, 'store.sqlite'), copy: join(folder, 'copy.sqlite') }
}

const key = (id: string) => ({
  id,
  digest: `digest-${id}`,
  tenant: 'default',
  principal: `key:${id}`,
  name: id,
  roles: ['user'],
  createdAt: 1,
})
const grant = (digest: string) => ({ kind: 'RefreshToken', digest, payload: '{}', expiresAt: 8e12 })
const client = (id: string) => ({
  ...{ id, tenant: 'default', name: id, metadata: '{}', secretDigest: 'leaked', roles: ['user'], createdAt: 1 },
  origin: 'operator' as const,
})
const account = (id: string) => ({ id, tenant: 'default', name: id, roles: ['user'], createdAt: 1 })

test('whatever refuses somebody is taken over from the newer store, and nothing that lets anybody in', async (t) => {
  const { live, copy } = places(t)
  const stores = await openSqliteStores({ path: live })
  for (const id of ['stays', 'ends', 'replaced']) await stores.apiKeys.insert(key(id))
  for (const id of ['used', 'gone', 'kept']) await stores.grants.put(grant(id))
  await stores.accounts.insert(account('alice'))
  await stores.accounts.insert(account('bob'))
  await stores.clients.insert(client('portal'))
  await stores.backup?.(copy)

  await stores.clients.update('default', 'portal', { secretDigest: 'renewed' })
  await stores.apiKeys.revoke('default', 'ends', 5)
  await stores.apiKeys.replace('default', 'replaced', { id: 'next', digest: 'n', createdAt: 6, predecessorEndsAt: 7 })
  await stores.apiKeys.insert(key('later'))
  await stores.revocations.revoke({ kind: 'token', tenant: 'default', id: 'jti', from: 1, until: 8e12, reason: 'x' })
  await stores.blocks.put(
    { kind: 'address', value: '192.0.2.1', tenant: '', reason: 'x', source: 'test', untilMs: 8e12 },
    5,
  )
  await stores.grants.consume('RefreshToken', 'used', 5)
  await stores.grants.remove('RefreshToken', 'gone')
  await stores.grants.put(grant('later'))
  await stores.replays.useOnce('dpop', 'proof', 8e12)
  await stores.accounts.update('default', 'bob', { disabledAt: 5 })
  await stores.close()

  const carried = await carryOver(live, copy)
  assert.deepEqual(carried, { revocations: 1, blocks: 1, ended: 4, used: 1, grants: 2 })
  assert.deepEqual(
    await carryOver(live, copy),
    { revocations: 0, blocks: 0, ended: 0, used: 0, grants: 0 },
    'once is enough',
  )
  const found = await openSqliteStores({ path: copy })
  t.after(() => found.close())
  assert.equal((await found.clients.find('portal'))?.secretDigest, 'renewed', 'a secret that leaked does not come back')
  const keys = new Map((await found.apiKeys.list('default')).map((one) => [one.id, one]))
  assert.deepEqual([...keys.keys()].toSorted(), ['ends', 'replaced', 'stays'])
  assert.equal(keys.get('ends')?.revokedAt, 5)
  assert.equal(keys.get('replaced')?.expiresAt, 7)
  assert.equal(keys.get('stays')?.expiresAt, undefined)
  assert.equal((await found.revocations.since(0, 10))[0]?.id, 'jti')
  assert.equal((await found.blocks.since(0, 10))[0]?.value, '192.0.2.1')
  assert.equal((await found.grants.find('RefreshToken', 'used'))?.consumedAt, 5)
  assert.equal(await found.grants.find('RefreshToken', 'gone'), undefined)
  assert.equal(await found.grants.find('RefreshToken', 'later'), undefined)
  assert.ok(await found.grants.find('RefreshToken', 'kept'))
  assert.equal(await found.replays.useOnce('dpop', 'proof', 8e12), false)
})

test('all sign-ins of a copy are ended when that is asked for', async (t) => {
  const { live, copy } = places(t)
  const stores = await openSqliteStores({ path: live })
  await stores.grants.put(grant('one'))
  await stores.backup?.(copy)
  await stores.close()
  assert.equal(await endGrants(copy), 1)
  assert.equal(await endGrants(copy), 0)
})

test('what is no whole store of ours is refused', async (t) => {
  const { live, copy } = places(t)
  const stores = await openSqliteStores({ path: live })
  await stores.backup?.(copy)
  await stores.close()
  await mustBeSoundSqlite(copy)
  const { DatabaseSync } = await import('node:sqlite')
  const other = new DatabaseSync(live)
  other.exec('pragma user_version = 999')
  other.close()
  await assert.rejects(mustBeSoundSqlite(live), /version 999/)
  writeFileSync(copy, 'nothing of the kind, and long enough to be looked at as a database would be')
  await assert.rejects(mustBeSoundSqlite(copy), /is not a SQLite database/)
})
