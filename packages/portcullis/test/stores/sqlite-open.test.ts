import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import type { NewApiKey } from '../../src/identity/api-key-store.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { StoreError, type StoreErrorCode } from '../../src/stores/store-error.ts'
import { storeFile } from './store-file.ts'

const KEY: NewApiKey = {
  ...{ id: 'a', digest: 'd', tenant: 'acme', principal: 'key:a', name: 'first', roles: [], createdAt: 1 },
}

describe('openSqliteStores', () => {
  it('creates a file that only we can read, its log included', async (t) => {
    const path = await opened(t)
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('keeps what was written for the next opening', async (t) => {
    const path = storeFile(t)
    const first = await openSqliteStores({ path })
    await first.apiKeys.insert(KEY)
    const sequence = await first.revocations.revoke({ ...SOME_REVOCATION })
    await first.close()
    const second = await openSqliteStores({ path })
    t.after(() => second.close())
    assert.equal((await second.apiKeys.findByDigest('d'))?.id, 'a')
    assert.equal((await second.revocations.since(0, 10))[0]?.sequence, sequence)
  })

  it('brings a store of the first release to ours, and uses no sequence of it twice', async (t) => {
    const path = storeFile(t)
    const old = new DatabaseSync(path)
    chmodSync(path, 0o600)
    old.exec(FOURTH_VERSION)
    old.close()
    const stores = await openSqliteStores({ path })
    t.after(() => stores.close())
    assert.deepEqual(
      (await stores.revocations.since(0, 10)).map(({ id, sequence }) => [id, sequence]),
      [['kept', 3]],
    )
    assert.equal(await stores.revocations.revoke({ ...SOME_REVOCATION, kind: 'tenant' }), 10)
    assert.equal((await stores.clients.find('c'))?.disabledAt, undefined)
  })

  it('shows another process what was revoked, without a new opening', async (t) => {
    const path = storeFile(t)
    const [gateway, cli] = [await openSqliteStores({ path }), await openSqliteStores({ path })]
    t.after(() => Promise.all([gateway.close(), cli.close()]))
    await cli.revocations.revoke({ ...SOME_REVOCATION })
    assert.equal((await gateway.revocations.since(0, 10)).length, 1)
  })

  it('has no second winner when two processes replace a key', async (t) => {
    const path = storeFile(t)
    const both = [await openSqliteStores({ path }), await openSqliteStores({ path })]
    t.after(() => Promise.all(both.map((stores) => stores.close())))
    await both[0]?.apiKeys.insert(KEY)
    const made = await Promise.all(
      both.map((stores, at) =>
        stores.apiKeys.replace('acme', 'a', { id: `b${at}`, digest: `e${at}`, createdAt: 2, predecessorEndsAt: 2 }),
      ),
    )
    assert.equal(made.filter((key) => key !== undefined).length, 1)
  })

  it('is healthy while it is open, and rejects afterwards', async (t) => {
    const stores = await openSqliteStores({ path: storeFile(t) })
    await stores.health()
    await stores.close()
    await assert.rejects(stores.health())
    await assert.rejects(stores.apiKeys.findByDigest('d'))
  })

  const REFUSED: readonly (readonly [string, StoreErrorCode, (path: string) => string | void])[] = [
    ['a file that others can read', 'too_open', (path) => (writeFileSync(path, ''), chmodSync(path, 0o640))],
    [
      'a file that is a link',
      'unwritable',
      (path) => (writeFileSync(`${path}.real`, ''), symlinkSync(`${path}.real`, path)),
    ],
    ['a folder', 'unwritable', (path) => mkdirSync(path)],
    ['a folder that does not exist', 'unwritable', (path) => join(dirname(path), 'missing', 'store.db')],
    ['a text file', 'not_a_store', (path) => writeFileSync(path, 'hello '.repeat(500), { mode: 0o600 })],
    ['the database of another application', 'not_a_store', (path) => foreign(path, 'create table t (x)')],
    ['a store of a newer version', 'newer_version', (path) => foreign(path, NEWER)],
  ]
  for (const [what, code, prepare] of REFUSED) {
    it(`refuses ${what} with one sentence and leaves it alone`, async (t) => {
      const given = storeFile(t)
      const path = prepare(given) ?? given
      const before = contents(path)
      await assert.rejects(openSqliteStores({ path }), (error) => {
        assert.ok(error instanceof StoreError)
        assert.equal(error.code, code)
        assert.ok(error.message.includes(path))
        return true
      })
      assert.deepEqual(contents(path), before)
    })
  }

  it('says so when another process holds the file', async (t) => {
    const path = storeFile(t)
    writeFileSync(path, '', { mode: 0o600 })
    const other = new DatabaseSync(path)
    t.after(() => other.close())
    other.exec('begin exclusive')
    await assert.rejects(openSqliteStores({ path }), { name: 'StoreError', code: 'locked' })
  })
})

const SOME_REVOCATION = { kind: 'key', tenant: 'acme', id: 'a', from: 1, until: 9, reason: 'lost' } as const
const NEWER = 'create table api_key (x); pragma application_id = 0x50434c53; pragma user_version = 9999'

async function opened(t: TestContext): Promise<string> {
  const path = storeFile(t)
  const stores = await openSqliteStores({ path })
  t.after(() => stores.close())
  await stores.apiKeys.insert(KEY)
  return path
}

function foreign(path: string, sql: string): void {
  writeFileSync(path, '', { mode: 0o600 })
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

function contents(path: string): Buffer | undefined {
  return existsSync(path) && statSync(path).isFile() ? readFileSync(path) : undefined
}

/** What matters of it: the sequence of its revocations is at 9, of which one is left. */
const FOURTH_VERSION = `
  create table revocation (
    sequence integer primary key autoincrement,
    kind text not null check (kind in ('token', 'key', 'principal')),
    tenant text not null, id text not null, starts_at integer not null, ends_at integer not null, reason text not null
  ) strict;
  create index revocation_by_end on revocation (ends_at);
  create table oauth_client (
    id text primary key, tenant text not null, name text not null, metadata text not null, secret_digest text,
    roles text not null, origin text not null, created_at integer not null
  ) strict;
  insert into oauth_client values ('c', 'acme', 'c', '{}', null, '[]', 'operator', 1);
  insert into revocation values (3, 'key', 'acme', 'kept', 1, 9000000000000000, 'lost');
  insert into revocation values (9, 'key', 'acme', 'over', 1, 2, 'lost');
  delete from revocation where sequence = 9;
  pragma application_id = 0x50434c53;
  pragma user_version = 4`
