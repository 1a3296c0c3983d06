/** DP-3: a PostgreSQL that was destroyed comes back as it was at an instant, by its own archive and recovery, sealed and signed on the way. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../fixtures/free-port.ts'
import { operator } from '../fixtures/operator.ts'
import { startPostgres, type TestPostgres } from '../fixtures/postgres.ts'

const LAUNCHER = join(import.meta.dirname, '../fixtures/portcullis.ts')
const root = mkdtempSync(join(tmpdir(), 'pc-pit-'))
const [archive, occupied, identity, key] = ['archive', 'taken', 'identity.txt', 'wal.key'].map((name) =>
  join(root, name),
) as [string, string, string, string]
const run = operator(root)

let server: TestPostgres
let sealing: readonly string[]
const opening = ['--archive', archive, '-i', identity, '-k', `${key}.pub`]

/** As PostgreSQL does it: a process of its own, so that what it is told to run is this program. */
const command = (...args: readonly string[]) =>
  new Promise<{ readonly status: number | null; readonly err: string }>((resolve) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('exit', (status) => resolve({ status, err }))
  })

before(
  async () => {
    chmodSync(root, 0o755)
    mkdirSync(archive, { mode: 0o700 })
    mkdirSync(occupied)
    writeFileSync(join(occupied, 'precious'), '')
    const recipient = (await run('backup', 'identity', '-o', identity)).out
    assert.equal((await run('backup', 'wal-key', '-o', key)).status, 0)
    writeFileSync(join(root, 'recipients'), `${recipient}\n`)
    sealing = ['--archive', archive, '--signing-key', key, '-R', join(root, 'recipients')]
    const words = [process.execPath, LAUNCHER, 'backup', 'wal-archive', '%p', ...sealing]
    server = await startPostgres({
      ...{ wal_level: 'replica', max_wal_senders: 3, archive_mode: 'on', archive_command: words.join(' ') },
      ...{ full_page_writes: 'on', synchronous_commit: 'on' },
    })
    for (const path of [archive, key, identity]) server.own(path)
  },
  { timeout: 60_000 },
)
after(() => {
  server?.remove()
  rmSync(root, { recursive: true, force: true })
})

describe('a PostgreSQL with a sealed archive', { timeout: 120_000 }, () => {
  it('comes back as it was at an instant, with exactly the rows of before', async () => {
    await server.run(
      'postgres',
      'create table kept (n integer primary key); insert into kept select generate_series(1, 100)',
    )
    const socket = ['--socket', server.socket, '--port', String(server.port), '--role', 'test_superuser']
    const base = await run('backup', 'wal-base', ...sealing, ...socket)
    assert.equal(base.status, 0, base.err)
    assert.match(base.out, /^base-\d{8}T\d{9}Z$/)
    await server.run('postgres', 'insert into kept select generate_series(101, 200)')
    const [now] = await server.run<{ readonly at: Date }>('postgres', 'select clock_timestamp() as at')
    await pause(50)
    await server.run('postgres', 'delete from kept where n <= 150')
    const [last] = await server.run<{ readonly name: string }>(
      'postgres',
      'select pg_walfile_name(pg_current_wal_lsn()) as name from pg_switch_wal()',
    )
    await until(
      () =>
        readdirSync(archive).filter((name) => /^[0-9A-F]{24}\.json$/.test(name)).length >= 2 && isArchived(last?.name),
    )
    server.kill()
    server.own(archive)
    const [data, port] = [join(root, 'recovered'), await freePort()]
    const taken = await run('backup', 'wal-restore', ...opening, '--data', occupied, '--to', '0s')
    assert.deepEqual([taken.status, readdirSync(occupied)], [69, ['precious']], 'nothing that is there is touched')
    const early = await run('backup', 'wal-restore', ...opening, '--data', data, '--to', '2000-01-01')
    assert.deepEqual([early.status, existsSync(data)], [66, false])
    const to = new Date((now?.at.getTime() ?? 0) + 1).toISOString()
    const made = await command('backup', 'wal-restore', ...opening, '--data', data, '--to', to)
    assert.equal(made.status, 0, made.err)
    assert.match(made.err, /each file as it was copied/)
    assert.match(made.err, /pg_ctl -D \S+ start/)
    server.own(data)
    server.call('pg_ctl', '-D', data, '-w', '-l', join(data, 'log'), '-o', `-p ${port}`, 'start')
    try {
      const client = new pg.Client({
        host: server.socket,
        port,
        database: 'postgres',
        user: 'test_superuser',
        ssl: false,
      })
      await client.connect()
      const found = await client.query('select count(*)::integer as n, min(n) as least, max(n) as most from kept')
      await client.end()
      assert.deepEqual(found.rows, [{ n: 200, least: 1, most: 200 }])
    } finally {
      server.call('pg_ctl', '-D', data, '-m', 'immediate', 'stop')
    }
  })

  const isArchived = (name = '') =>
    existsSync(join(archive, `${name}.json`)) || readdirSync(archive).some((one) => one.startsWith(name))
  const until = async (holds: () => boolean) => {
    while (!holds()) await pause(20)
  }
})

describe('the archive', { timeout: 60_000 }, () => {
  const name = '0000000900000000000000AA'
  const segment = join(root, name)
  const out = join(root, 'out')
  const put = () => run('backup', 'wal-archive', segment, ...sealing)
  const fetch = (...more: readonly string[]) =>
    run('backup', 'wal-fetch', name, out, ...(more.length > 0 ? more : opening))

  it('takes a segment once, the same one again, and never another in its place', async () => {
    const bytes = randomBytes(100_000)
    writeFileSync(segment, bytes)
    assert.equal((await put()).status, 0)
    const sealed = readFileSync(join(archive, `${name}.age`))
    assert.equal((await put()).status, 0)
    writeFileSync(segment, randomBytes(100_000))
    const other = await put()
    assert.notEqual(other.status, 0)
    assert.match(other.err, /in the archive already, with other bytes/)
    assert.deepEqual(readFileSync(join(archive, `${name}.age`)), sealed)
    assert.equal((await fetch()).status, 0)
    assert.deepEqual(readFileSync(out), bytes)
    assert.deepEqual(
      readdirSync(archive).filter((one) => one.includes('draft')),
      [],
    )
  })

  it('gives nothing that is not there, was changed, or was signed by somebody else', async () => {
    rmSync(out, { force: true })
    const cases: readonly (readonly [what: string, spoil: () => Promise<unknown> | void, status: number])[] = [
      ['an edited byte', () => flip(join(archive, `${name}.age`)), 65],
      ['a statement of somebody else', forged, 68],
      ['no statement', () => rmSync(join(archive, `${name}.json`)), 66],
    ]
    for (const [what, spoil, status] of cases) {
      await spoil()
      assert.equal((await fetch()).status, status, what)
      assert.equal(existsSync(out), false, what)
    }
    assert.equal((await run('backup', 'wal-fetch', '../evil', out, ...opening)).status, 2)
    assert.equal(
      (
        await run(
          'backup',
          'wal-archive',
          segment,
          '--archive',
          archive,
          '--signing-key',
          join(root, 'none'),
          '-r',
          'age1x',
        )
      ).status,
      2,
    )
  })

  function flip(file: string): void {
    const bytes = readFileSync(file)
    bytes[5_000] = (bytes[5_000] as number) ^ 1
    writeFileSync(file, bytes)
  }

  async function forged(): Promise<void> {
    const [evil, elsewhere] = [join(root, 'evil.key'), join(root, 'elsewhere')]
    await run('backup', 'wal-key', '-o', evil)
    const recipients = sealing.at(-1) as string
    await run('backup', 'wal-archive', segment, '--archive', elsewhere, '--signing-key', evil, '-R', recipients)
    for (const end of ['age', 'json']) copyFileSync(join(elsewhere, `${name}.${end}`), join(archive, `${name}.${end}`))
  }
})
