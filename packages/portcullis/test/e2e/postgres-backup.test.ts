/** DP-3 with a store in PostgreSQL: copied while gateways serve, verified, drilled in a server of its own, and put back whole or not at all. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { stringify } from 'yaml'
import { Canaries } from '../fixtures/canaries.ts'
import { callTool, type Reachable, send } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { freePort } from '../fixtures/free-port.ts'
import { configOf } from '../fixtures/gateway.ts'
import { operator, type Ran } from '../fixtures/operator.ts'
import { OWNER, PASSWORD, ROLE, startPostgres, type TestPostgres } from '../fixtures/postgres.ts'

const LAUNCHER = join(import.meta.dirname, '../fixtures/portcullis.ts')
const READER = 'portcullis_backup'

const root = mkdtempSync(join(tmpdir(), 'pc-pgb-'))
const folder = join(root, 'home')
const backups = join(root, 'backups')
const identity = join(root, 'identity.txt')
const password = join(root, 'password')
const run = operator(folder)

let server: TestPostgres
let upstream: CountingUpstream
let node: (Reachable & { readonly process: ChildProcess }) | undefined
let port: number
let recipient: string
let keyId: string
/** Folder of the backup. */
let made: string

const ok = async (...args: readonly string[]): Promise<Ran> => {
  const ran = await run(...args)
  assert.equal(ran.status, 0, `${args.join(' ')}\n${ran.err}\n${ran.out}`)
  return ran
}

before(
  async () => {
    mkdirSync(folder, { mode: 0o755 })
    writeFileSync(password, PASSWORD, { mode: 0o600 })
    ;[server, upstream, port] = await Promise.all([startPostgres(), startCounting(), freePort()])
    await server.run('postgres', `create role ${READER} login password '${PASSWORD}'`)
    const url = await server.database('shared', false)
    recipient = (await ok('backup', 'identity', '-o', identity)).out
    configure(url)
    await ok('init', '--dir', folder).catch(() => undefined)
    const prepared = await ok('store', 'prepare', '--owner', OWNER, '--password-file', password)
    assert.match(prepared.out, /portcullis_gateway may use it, and portcullis_backup may copy it/)
    await ok('init', '--dir', folder)
    node = await serve()
  },
  { timeout: 120_000 },
)
after(async () => {
  node?.process.kill('SIGKILL')
  await upstream?.close()
  server?.remove()
  rmSync(root, { recursive: true, force: true })
})

function configure(url: string, more: object = {}): void {
  writeFileSync(join(folder, 'access.cedar'), 'permit (principal in Role::"admin", action, resource);\n')
  const config = {
    ...configOf({ upstreams: [{ name: 'one', url: upstream.url }] }),
    store: { kind: 'postgres', url, username: ROLE, password: { file: password }, ca: server.caFile, connections: 2 },
    backup: { recipients: [recipient], folder: backups, postgres: { username: READER, password: { file: password } } },
    administration: { tenant: 'default' },
    audit: { log: { level: 'silent' } },
    listen: { port },
    ...more,
  }
  writeFileSync(join(folder, 'portcullis.yaml'), stringify(config))
}

async function serve(): Promise<Reachable & { readonly process: ChildProcess }> {
  const file = join(folder, 'portcullis.yaml')
  const child = spawn(process.execPath, [LAUNCHER, 'serve', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      if (/https:\/\/\S+/.test(said)) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', () => reject(new Error(said)))
  })
  const [state, origin] = [join(folder, 'state'), `https://127.0.0.1:${port}`]
  const token = readFileSync(join(state, 'admin.key'), 'utf8').trim()
  const caFile = join(state, 'authority', 'ca.crt')
  return { process: child, origin, url: `${origin}/mcp/one`, caFile, token }
}

async function stop(): Promise<void> {
  const child = node?.process
  node = undefined
  if (child === undefined || child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

async function admin(path: string, body: object) {
  const reply = await send(node as Reachable, body, { url: `${node?.origin}/admin/v1${path}` })
  assert.ok(reply.status < 300, reply.text)
  return reply.json
}

const issue = async (name: string) => {
  const { key, id } = await admin('/keys', { name, roles: ['admin'] })
  return { token: String(key), id: String(id) }
}
const statusOf = async (token: string) => (await callTool(node as Reachable, 'echo', { text: 'x' }, { token })).status
const schemas = () =>
  server.run<{ readonly name: string }>(
    'shared',
    "select nspname as name from pg_namespace where nspname like 'portc%' order by 1",
  )

describe('a backup of a gateway with a store in PostgreSQL', { timeout: 240_000 }, () => {
  const keys: Record<string, { readonly token: string; readonly id: string }> = {}

  it('is made by the gateway while it serves, and holds a copy that reads to its end and no password', async () => {
    for (const name of ['stays', 'ends']) keys[name] = await issue(name)
    assert.equal(await statusOf(keys['stays']?.token ?? ''), 200)
    const created = await ok('backup', 'create')
    assert.doesNotMatch(created.err, /not part of this backup/)
    made = created.out
    keyId = JSON.parse(readFileSync(join(made, 'manifest.json'), 'utf8')).key
    assert.equal(
      readdirSync(join(folder, 'state')).some((name) => name.startsWith('backup-')),
      false,
    )
    const verified = await ok('backup', 'verify', made, '-i', identity)
    assert.match(verified.out, /the copy of PostgreSQL reads to its end, 2 chains with \d+ records verify/)
    const canaries = new Canaries()
    canaries.plant('password', PASSWORD)
    assert.deepEqual(canaries.inFolder(backups), [])
  })

  it('is drilled in a PostgreSQL of its own, with a report, and leaves nothing behind', async () => {
    const scratch = join(root, 's')
    const drilled = await run('backup', 'drill', made, '-i', identity, '--scratch', scratch, '--json')
    assert.equal(drilled.status, 0, drilled.out + drilled.err)
    const { report } = JSON.parse(drilled.out)
    const results = report.checks.map(({ name, result }: { name: string; result: string }) => [name, result])
    assert.deepEqual(results, [
      ...['PostgreSQL', 'restore', 'configuration', 'start', 'strangers are refused'].map((name) => [name, 'passed']),
      ...['a key lets its holder in', 'chains go on', 'sealed secrets open'].map((name) => [name, 'passed']),
    ])
    assert.deepEqual(readdirSync(scratch), [])
  })

  it('is not put back while a gateway is connected, nor over a store that is there', async () => {
    const to = mkdtempSync(join(root, 'new-'))
    const beside = [
      '-i',
      identity,
      '--key-id',
      keyId,
      '--to',
      to,
      '--lost-audit-key',
      '--owner',
      OWNER,
      '--password-file',
      password,
    ]
    const taken = await run('backup', 'restore', made, ...beside)
    assert.equal(taken.status, 69, taken.err)
    assert.match(taken.err, /has a schema portcullis already/)
    const busy = await run('backup', 'restore', made, ...beside, '--replace')
    assert.equal(busy.status, 69, busy.err)
    assert.match(busy.err, /a gateway is connected to this database/)
    assert.equal(existsSync(join(to, 'state')), false)
    assert.deepEqual(await schemas(), [{ name: 'portcullis' }, { name: 'portcullis_keys' }])
    assert.equal(await statusOf(keys['stays']?.token ?? ''), 200)
  })

  it('put back brings no ended key back, and the chains tell of it', async () => {
    await admin(`/keys/${keys['ends']?.id}/revoke`, {})
    keys['later'] = await issue('later')
    await stop()
    const how = ['-i', identity, '--replace', '--owner', OWNER, '--password-file', password]
    const restored = await ok('backup', 'restore', made, ...how)
    assert.match(restored.err, /PostgreSQL was put back/)
    assert.match(restored.err, /Taken over from the store that was there: 1 revocations, 0 blocks, 1 ended/)
    const [kept = '', ...others] = (await schemas()).map(({ name }) => name).filter((name) => /_before_/.test(name))
    assert.ok(restored.err.includes(kept) && others.length === 0)
    await assert.rejects(server.run('shared', `select * from ${kept}.api_key`, [], ROLE), /permission denied/)
    node = await serve()
    const statuses = await Promise.all(['stays', 'ends', 'later'].map((name) => statusOf(keys[name]?.token ?? '')))
    assert.deepEqual(statuses, [200, 401, 401])
    await ok('audit', 'verify')
    await stop()
  })

  it('put back once more, into a new database, says what is lost, and serves', async () => {
    const url = await server.database('fresh', false)
    configure(url)
    const how = ['-i', identity, '--replace', '--owner', OWNER, '--password-file', password, '--revoke-before', 'now']
    const restored = await ok('backup', 'restore', made, ...how)
    assert.match(restored.err, /keys and accounts that were revoked since work again/)
    node = await serve()
    assert.deepEqual(
      [await statusOf(keys['stays']?.token ?? ''), await statusOf(keys['ends']?.token ?? '')],
      [200, 200],
    )
    await stop()
  })
})

describe('a copy that would not be whole', { timeout: 60_000 }, () => {
  it('is not made: by a role that does not see each row, or reads the keys of tenants', async () => {
    const url = await server.database('unread')
    configure(url)
    const create = () => run('backup', 'create')
    const earlier = readdirSync(backups).length
    await server.run('unread', `grant usage on schema portcullis to ${READER}`)
    await server.run('unread', `grant select on all tables in schema portcullis to ${READER}`)
    const blind = await create()
    assert.match(blind.err, /does not see every row of account, .*store prepare/)
    await ok('store', 'prepare', '--owner', OWNER, '--password-file', password)
    await server.run('unread', `grant usage on schema portcullis_keys to ${READER}`)
    await server.run('unread', `grant select on all tables in schema portcullis_keys to ${READER}`)
    const curious = await create()
    assert.match(curious.err, /reads the keys of tenants/)
    assert.deepEqual([blind.status, curious.status, readdirSync(backups).length], [69, 69, earlier])
  })

  it('is not there for a gateway that works as the role of backups', async () => {
    const client = new pg.Client({
      host: server.socket,
      port: server.port,
      database: 'unread',
      user: READER,
      ssl: false,
    })
    await client.connect()
    await client.end()
    configure(`postgresql://127.0.0.1:${server.port}/unread`, { backup: { recipients: [recipient], folder: backups } })
    await server.run('unread', `grant ${READER} to ${ROLE}`)
    const refused = await run('key', 'list')
    await server.run('unread', `revoke ${READER} from ${ROLE}`)
    assert.match(refused.err, /reads the rows of all tenants/)
  })
})
