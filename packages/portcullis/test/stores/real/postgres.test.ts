/** The driver of PostgreSQL on a real server: every port with 50 callers at once, rows that belong to others, roles that may too much, and a server that dies. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { RevocationList } from '../../../src/identity/revocation.ts'
import { preparePostgres } from '../../../src/stores/postgres/migrate.ts'
import { openPostgresStores, type PostgresStoresOptions } from '../../../src/stores/postgres/open.ts'
import type { Stores } from '../../../src/stores/stores.ts'
import { OWNER, PASSWORD, ROLE, startPostgres, type TestPostgres } from '../../fixtures/postgres.ts'
import { everyContract } from '../every-contract.ts'

let server: TestPostgres
let url: string
let stores: Stores

const EMPTY = `do $$ declare one record; begin
  for one in select schemaname, tablename from pg_tables
    where schemaname in ('portcullis', 'portcullis_keys') and tablename <> 'schema_version'
  loop execute format('truncate %I.%I cascade', one.schemaname, one.tablename); end loop; end $$`

const optionsFor = (to: string, more: Partial<PostgresStoresOptions> = {}): PostgresStoresOptions => ({
  ...server.address(to),
  ...{ maxConnections: 10, onProblem: () => {} },
  ...more,
})

before(async () => {
  server = await startPostgres()
  url = await server.database('kept')
  stores = await openPostgresStores(optionsFor(url))
})
after(async () => {
  await stores?.close()
  server?.remove()
})

everyContract('postgres', async () => {
  await server.run('kept', EMPTY)
  return stores
})

describe('row-level security', () => {
  const as = <Row extends object>(text: string, values: readonly unknown[] = []) =>
    server.run<Row>('kept', text, values, ROLE)
  const KEY = { principal: 'p', name: 'n', roles: ['user'], createdAt: 1 }

  before(async () => {
    await server.run('kept', EMPTY)
    for (const tenant of ['acme', 'rival']) {
      await stores.apiKeys.insert({ ...KEY, id: `key-${tenant}`, digest: `digest-${tenant}`, tenant })
      await stores.accounts.insert({ id: `a-${tenant}`, tenant, name: `n-${tenant}`, roles: [], createdAt: 1 })
      await stores.accountLinks.add({
        issuer: 'i',
        subject: tenant,
        account: tenant,
        tenant,
        origin: 'operator',
        createdAt: 1,
      })
      await stores.passkeys.add(
        {
          id: tenant,
          account: tenant,
          tenant,
          publicKey: 'k',
          counter: 0,
          transports: [],
          synced: false,
          label: 'l',
          createdAt: 1,
        },
        5,
      )
      const client = { id: `c-${tenant}`, tenant, name: 'n', metadata: '{}', roles: [], createdAt: 1 }
      await stores.clients.insert({ ...client, origin: 'operator' })
      await stores.revocations.revoke({ kind: 'key', tenant, id: 'x', from: 1, until: 9, reason: 'r' })
      await stores.blocks.put({ kind: 'principal', value: 'v', tenant, reason: 'r', source: 's', untilMs: 9 }, 1)
      await stores.credentials.put({ tenant, upstream: 'u', kind: 'static', sealed: 's', revision: '1', updatedAt: 1 })
      await stores.dataKeys.add({ tenant, version: 1, wrappedBy: 'w', wrapped: 'k', createdAt: 1 })
      await stores.tenantKeys.add({ tenant, id: tenant, wrappedBy: 'w', wrapped: 'k', createdAt: 1 })
    }
  })

  const tables = () =>
    server.run<{ readonly name: string }>(
      'kept',
      `select table_schema || '.' || table_name as name from information_schema.columns
       where column_name = 'tenant' and table_schema in ('portcullis', 'portcullis_keys') order by 1`,
    )

  it('shows nothing to a query that names no tenant, and each tenant its own rows only', async () => {
    const names = (await tables()).map(({ name }) => name)
    assert.equal(names.length, 10)
    for (const name of names) {
      const all = await server.run<{ readonly tenant: string }>('kept', `select tenant from ${name}`)
      assert.equal(all.length, 2, `${name} has a row of each tenant`)
      assert.deepEqual(await as(`select * from ${name}`), [], `${name} without a tenant`)
      const seen = await withTenant('acme', `select tenant from ${name}`)
      assert.deepEqual(seen, [{ tenant: 'acme' }], name)
      assert.deepEqual(await withTenant('stranger', `select * from ${name}`), [], `${name} for a stranger`)
      assert.deepEqual(await withTenant('acme', `delete from ${name} where tenant = 'rival' returning tenant`), [])
      assert.equal((await server.run('kept', `select tenant from ${name}`)).length, 2, `${name} has lost nothing`)
    }
  })

  it('lets nobody write a row of another tenant', async () => {
    const insert =
      "insert into portcullis.data_key (tenant, version, wrapped_by, wrapped, created_at) values ('rival', 2, 'w', 'k', 1)"
    await assert.rejects(withTenant('acme', insert), /row-level security/)
    await assert.rejects(as(insert), /row-level security/)
    const moved = "update portcullis.account set tenant = 'rival' where id = 'a-acme'"
    await assert.rejects(withTenant('acme', moved), /row-level security/)
  })

  it('holds a verb that names another tenant, and ends with its transaction', async () => {
    assert.equal(await stores.apiKeys.revoke('rival', 'key-acme', 5), false)
    assert.equal((await stores.apiKeys.findByDigest('digest-acme'))?.revokedAt, undefined)
    for (let round = 0; round < 20; round++) await stores.accounts.list('acme')
    assert.deepEqual(await stores.accounts.list(''), [])
  })

  /** As one transaction says it of itself. */
  async function withTenant(tenant: string, text: string): Promise<readonly object[]> {
    const { default: pg } = await import('pg')
    const client = new pg.Client({
      host: server.socket,
      port: server.port,
      database: 'kept',
      user: ROLE,
      ssl: false,
      password: PASSWORD,
    })
    await client.connect()
    try {
      await client.query('begin')
      await client.query("select set_config('portcullis.tenant', $1, true)", [tenant])
      const { rows } = await client.query(text)
      await client.query('commit')
      return rows
    } finally {
      await client.end()
    }
  }
})

describe('a turn', () => {
  const KEY = { tenant: 'acme', principal: 'p', name: 'n', roles: ['user'], createdAt: 1 }
  const insert = (id: string) => stores.apiKeys.insert({ ...KEY, id, digest: `digest-${id}` })
  const counted = () => server.run('kept', 'select id from portcullis.api_key where id = any($1)', [['late', 'held']])

  before(() => server.run('kept', EMPTY))

  it('that another holder has by now lets nothing be written any more, and what it set going is free of it', async () => {
    const { turns } = stores
    assert.equal(await turns.take('acme', 'a', 1), true)
    let later: Promise<void> | undefined
    const work = turns.guard('acme', 'a', async () => {
      while (!(await turns.take('acme', 'b', 60_000))) await pause(2)
      later = pause(50).then(() => insert('held'))
      await insert('late')
    })
    await assert.rejects(work, { name: 'StoreError', code: 'turn_lost' })
    assert.deepEqual(await counted(), [])
    await later
    assert.deepEqual(await counted(), [{ id: 'held' }])
  })

  it('is not passed on while something is written on behalf of its holder', async () => {
    const { turns } = stores
    await server.run('kept', EMPTY)
    assert.equal(await turns.take('slow', 'a', 1), true)
    // As a write that waits for a disk.
    const slow = server.run('kept', 'begin; lock table portcullis.api_key in share mode; select pg_sleep(0.4); commit')
    await pause(100)
    const written = turns.guard('slow', 'a', () => insert('late'))
    await pause(20)
    assert.equal(await turns.take('slow', 'b', 60_000), true)
    assert.deepEqual(await counted(), [{ id: 'late' }], 'whoever has the turn next sees what was written')
    await Promise.all([slow, written])
  })
})

describe('what has no tenant', () => {
  it('is found by whoever names it, and by nobody else', async () => {
    await server.run('kept', EMPTY)
    for (const one of ['x', 'y']) {
      const entry = { kind: 'Session', digest: `d-${one}`, payload: '{}', expiresAt: 9, account: one }
      await stores.grants.put({ ...entry, alias: `u-${one}`, grant: `g-${one}` })
      await stores.replays.useOnce('dpop', one, 9)
    }
    for (const table of ['grant_entry', 'used_once'])
      assert.deepEqual(await server.run('kept', `select * from portcullis.${table}`, [], ROLE), [])
    assert.equal((await stores.grants.find('Session', 'd-x'))?.account, 'x')
    assert.equal((await stores.grants.findByAlias('Session', 'u-y'))?.account, 'y')
    assert.equal((await stores.grants.ofAccounts(['x', 'y'])).length, 2)
    assert.equal(await stores.replays.useOnce('dpop', 'x', 9), false)
    assert.equal(await stores.grants.count('Session'), 2)
    assert.equal(await stores.grants.sweep(9), 2)
  })
})

describe('a start', () => {
  const opening = async (to: string, more: Partial<PostgresStoresOptions> = {}) => {
    const opened = await openPostgresStores(optionsFor(to, more))
    await opened.close()
  }

  it('is refused to roles that row-level security would not hold', async () => {
    const roles: readonly (readonly [name: string, how: string, why: RegExp])[] = [
      ['by_super', 'superuser', /is a superuser/],
      ['by_bypass', 'bypassrls', /has BYPASSRLS/],
      ['by_roles', 'createrole', /make roles/],
      ['by_files', 'in role pg_read_server_files', /reaches the files/],
      ['by_copies', 'replication', /may replicate/],
      ['by_owner', `in role ${OWNER}`, /owns the tables/],
    ]
    for (const [name, how, why] of roles) {
      await server.run('postgres', `create role ${name} login password '${PASSWORD}' ${how}`)
      await server.run('kept', `grant usage on schema portcullis, portcullis_keys to ${name}`)
      await server.run('kept', `grant select on all tables in schema portcullis to ${name}`)
      await assert.rejects(opening(url, { username: name }), why)
    }
    await assert.rejects(opening(url, { username: OWNER }), /owns the tables/)
  })

  it('is refused where a table has lost its row-level security', async () => {
    const open = await server.database('opened')
    await server.run('opened', 'alter table portcullis.account no force row level security')
    await assert.rejects(opening(open), /account has no row-level security/)
    await preparePostgres(server.address(open, OWNER), ROLE)
    await opening(open)
  })

  it('is refused where PostgreSQL only reads, as a replica does: its news are old', async () => {
    const copy = await server.database('copy')
    await server.run('copy', 'alter database copy set default_transaction_read_only = on')
    await assert.rejects(opening(copy), /only reads/)
  })

  it('leaves a role no right that row-level security does not hold', async () => {
    const generous = await server.database('generous')
    await server.run('generous', `grant all on all tables in schema portcullis to public, ${ROLE}`)
    await preparePostgres(server.address(generous, OWNER), ROLE)
    await assert.rejects(server.run('generous', 'truncate portcullis.revocation', [], ROLE), /permission denied/)
    await opening(generous)
  })

  it('is refused for a schema that is not there, older or newer', async () => {
    const bare = await server.database('bare', false)
    await assert.rejects(opening(bare), { code: 'unprepared' })
    const newer = await server.database('newer')
    await server.run('newer', 'update portcullis.schema_version set version = 1')
    await assert.rejects(opening(newer), { code: 'unprepared' })
    await server.run('newer', 'update portcullis.schema_version set version = 999')
    await assert.rejects(opening(newer), { code: 'newer_version' })
    await assert.rejects(preparePostgres(server.address(newer, OWNER), ROLE), { code: 'newer_version' })
  })

  it('is refused without an authority that is known, and for a name that is not in the certificate', async () => {
    const { tls: _trusted, ...untrusted } = optionsFor(url)
    await assert.rejects(opening(url, { tls: {} }), /certificate/i)
    await assert.rejects(opening(url.replace('127.0.0.1', '127.0.0.2')), /altnames|ECONNREFUSED/i)
    await assert.rejects(opening(url, { password: 'wrong' }), /password authentication failed/)
    const plain = await openPostgresStores(untrusted)
    await plain.health()
    await plain.close()
    await opening(url, { socket: server.socket })
  })
})

describe('a migration', () => {
  it('that runs 10 times at once happens once', async () => {
    const fresh = await server.database('raced', false)
    const all = await Promise.all(Array.from({ length: 10 }, () => preparePostgres(server.address(fresh, OWNER), ROLE)))
    assert.equal(all.filter((done) => done.before !== done.after).length, 1)
  })
})

describe('a server that is behind the one before it', () => {
  it('is read anew, so that no revocation is missed whose number was seen already', async () => {
    const clock = { now: () => 5 }
    const parts = { store: stores.revocations, clock, pollMs: 1_000, staleAfterMs: 5_000, onProblem: () => {} }
    const revocations = new RevocationList(parts)
    const revoked = (id: string) => ({ kind: 'key' as const, tenant: 'acme', id, from: 1, until: 1_000, reason: 'r' })
    for (const id of ['one', 'two', 'three']) await stores.revocations.revoke(revoked(id))
    const forget = stores.shared?.onNews((isAnew) => void revocations.refresh(isAnew).catch(() => {}))
    try {
      await revocations.start()
      // As a replica that had not everything yet, or a backup that was restored.
      await server.run('kept', 'truncate portcullis.revocation restart identity')
      await server.run('kept', 'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [ROLE])
      const other = await openPostgresStores(optionsFor(url))
      await other.revocations.revoke(revoked('later'))
      await other.close()
      while (!revocations.list('acme', 5).some(({ id }) => id === 'later')) await pause(5)
    } finally {
      forget?.()
      revocations.close()
    }
  })
})

describe('a server that dies', () => {
  it('refuses everything at once, tells of news that were missed when it is back, and loses no process', async () => {
    const told: number[] = []
    const other = await openPostgresStores(optionsFor(url))
    const forget = other.shared?.onNews(() => told.push(performance.now()))
    try {
      await stores.revocations.revoke({ kind: 'key', tenant: 'acme', id: 'news', from: 1, until: 9, reason: 'r' })
      while (told.length === 0) await pause(5)
      server.kill()
      const had = told.length
      await assert.rejects(stores.apiKeys.findByDigest('digest-acme'))
      await assert.rejects(stores.revocations.since(0, 10))
      await assert.rejects(stores.health())
      await assert.rejects(other.replays.useOnce('s', 'i', 9))
      server.again()
      const last = await untilAnswered(() =>
        stores.revocations.revoke({ kind: 'key', tenant: 'acme', id: 'later', from: 1, until: 9, reason: 'r' }),
      )
      while (told.length === had) await pause(5)
      assert.equal((await other.revocations.since(last - 1, 10)).at(0)?.id, 'later')
    } finally {
      forget?.()
      await other.close()
    }
  })

  const untilAnswered = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask()
      } catch {
        await pause(20)
      }
    }
  }
})
