/** ID-8 and ID-9 for two gateway processes over one PostgreSQL: what one does holds on the other, tenants stay apart, and nothing is done without the database. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { callTool, openSession, type Reachable, type Reply, send, stream } from '../fixtures/client.ts'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { configOf } from '../fixtures/gateway.ts'
import { Browser } from '../fixtures/browser.ts'
import { freePort } from '../fixtures/free-port.ts'
import { OWNER, PASSWORD, ROLE, startPostgres, type TestPostgres } from '../fixtures/postgres.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'
import { PASSWORD as PERSONS, type SignInGateway, tokensOf, REDIRECT } from '../fixtures/sign-in.ts'
import { LoopbackIssuer, signingKey } from '../identity/loopback-issuer.ts'

const LAUNCHER = join(import.meta.dirname, '../fixtures/portcullis.ts')
const TENANTS = ['default', 'acme', 'rival']
/** What ID-8 promises. */
const SECOND_MS = 1_000
const CONNECTIONS = 2
/** Two that ask and write, and one that listens. */
const FOR_NEWS = 3

/** For a gateway that is only to be refused. */
const PLAIN = { listen: { port: 0, plaintext: 'loopback-only' } }

interface Node extends Reachable {
  readonly process: ChildProcess
  readonly file: string
}

let root: string
let database: TestPostgres
let url: string
let upstream: CountingUpstream
let first: Node
let second: Node
let trust: TestIdentity
let issuer: LoopbackIssuer

before(
  async () => {
    root = mkdtempSync(join(tmpdir(), 'portcullis-shared-'))
    writeFileSync(join(root, 'password'), PASSWORD, { mode: 0o600 })
    database = await startPostgres()
    url = await database.database('shared', false)
    upstream = await startCounting()
    trust = await createTestIdentity()
    issuer = await LoopbackIssuer.start({ after: () => {} }, trust)
    const [port, beside] = [await freePort(), await freePort()]
    // Both stand behind one name, as behind a load balancer.
    const publicUrl = `https://127.0.0.1:${port}`
    const entry = { issuer: issuer.issuer, ca: trust.caFile, algorithms: ['ES256'], everyone: ['admin'] }
    const identity = { server: {}, issuers: [entry] }
    const files = [
      configured('first', { connections: CONNECTIONS, timeoutMs: 2_000 }, { listen: { port }, identity }),
      configured(
        'second',
        { socket: database.socket, ca: undefined },
        { listen: { port: beside, publicUrl, allowedHosts: [`127.0.0.1:${beside}`] }, identity },
      ),
    ]
    const [file = ''] = files
    const refused = command('serve', '--config', configured('unprepared', {}, PLAIN))
    assert.match(refused.stderr, /no schema portcullis; run: portcullis store prepare/)
    const password = ['--owner', OWNER, '--password-file', join(root, 'password')]
    const prepared = command('store', 'prepare', '--config', file, ...password)
    assert.equal(prepared.status, 0, prepared.stderr)
    assert.match(prepared.stdout, /from version 0 to \d+; portcullis_gateway may use it/)
    for (const name of ['first', 'second']) {
      const made = command('init', '--dir', join(root, name))
      assert.equal(made.status, 0, made.stderr)
    }
    ;[first, second] = (await Promise.all(files.map((one, at) => served(one, [port, beside][at] as number)))) as [
      Node,
      Node,
    ]
  },
  { timeout: 120_000 },
)

after(async () => {
  for (const node of [first, second]) node?.process.kill('SIGKILL')
  await upstream?.close()
  await issuer?.stop()
  trust?.remove()
  database?.remove()
  rmSync(root, { recursive: true, force: true })
})

function configured(name: string, store: object = {}, more: object = {}): string {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  writeFileSync(join(folder, 'access.cedar'), 'permit (principal in Role::"admin", action, resource);\n')
  const file = join(folder, 'portcullis.yaml')
  const config = {
    ...configOf({ upstreams: [{ name: 'one', url: upstream.url }] }),
    store: { kind: 'postgres', url, username: ROLE, password: { file: '../password' }, ca: database.caFile, ...store },
    administration: { tenant: 'default' },
    tenants: Object.fromEntries(TENANTS.map((tenant) => [tenant, { upstreams: ['one'] }])),
    audit: { log: { level: 'silent' } },
    // What one has sealed the other opens: the key-encryption key is theirs, not one of the database.
    dataProtection: { keyEncryption: { driver: 'file', file: { path: '../vault.keys' } } },
    identity: { server: {} },
    ...more,
  }
  writeFileSync(file, stringify(config))
  return file
}

const command = (...args: readonly string[]) =>
  spawnSync(process.execPath, [LAUNCHER, ...args], { encoding: 'utf8', timeout: 30_000 })

async function served(file: string, port: number): Promise<Node> {
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
  const state = join(file, '..', 'state')
  const origin = `https://127.0.0.1:${port}`
  return {
    ...{ process: child, file, origin, url: `${origin}/mcp/one`, caFile: join(state, 'authority', 'ca.crt') },
    token: readFileSync(join(state, 'admin.key'), 'utf8').trim(),
  }
}

const admin = (
  node: Reachable,
  path: string,
  body?: object,
  more: { method?: string; headers?: Record<string, string>; token?: string } = {},
) => send(node, body, { url: `${node.origin}/admin/v1${path}`, ...(body === undefined && { method: 'GET' }), ...more })

const echo = (node: Reachable, token: string) => callTool(node, 'echo', { text: 'x' }, { token })

async function issue(
  node: Reachable,
  tenant = 'default',
  more: object = {},
): Promise<{ token: string; id: string; revision: string }> {
  const { status, json, text } = await admin(node, `/keys?tenant=${tenant}`, { name: 'k', roles: ['admin'], ...more })
  assert.equal(status, 201, text)
  return { token: String(json.key), id: String(json.id), revision: String(json.revision) }
}

const until = async (holds: () => Promise<boolean>): Promise<number> => {
  const from = performance.now()
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
  return performance.now() - from
}

describe('two gateways over one PostgreSQL', { timeout: 240_000 }, () => {
  it('let in on one whoever has a key of the other, each administrator on both', async () => {
    const { token } = await issue(first)
    for (const node of [first, second]) assert.equal((await echo(node, token)).status, 200)
    assert.equal((await admin(second, '/keys', undefined, { token: first.token })).status, 200)
    const weak = command('config', 'validate', '--config', first.file)
    assert.doesNotMatch(weak.stdout, /store/)
  })

  it('hold a revocation of a key and of a principal, and a block, within a second of each other', async (t) => {
    const ways: readonly (readonly [
      what: string,
      status: number,
      path: (id: string) => string,
      body: (id: string) => object,
    ])[] = [
      ['a key', 401, (id) => `/keys/${id}/revoke`, () => ({})],
      ['a principal', 401, () => '/revocations', (id) => ({ kind: 'principal', id: `key:${id}` })],
      ['a block', 403, () => '/blocks', (id) => ({ kind: 'key', value: id })],
    ]
    for (const [what, status, path, body] of ways) {
      const { token, id } = await issue(first)
      for (const node of [first, second]) assert.equal((await echo(node, token)).status, 200)
      const made = await admin(first, path(id), body(id))
      assert.ok(made.status < 300, made.text)
      const earlier = upstream.count()
      const ms = await until(async () => (await echo(second, token)).status === status)
      t.diagnostic(`${what} held on the other node after ${ms.toFixed(0)} ms`)
      assert.ok(ms < SECOND_MS, `${what} held after ${ms} ms`)
      const passed = upstream.count() - earlier
      for (const node of [first, second]) assert.equal((await echo(node, token)).status, status)
      assert.equal(upstream.count() - earlier, passed, 'nothing of it is executed any more')
    }
  })

  it('end on one the open stream of whoever is revoked on the other', async () => {
    const { token, id } = await issue(first)
    const session = await openSession(second, { token })
    const headers = { ...session, accept: 'text/event-stream' }
    const open = await stream(second, undefined, { method: 'GET', token, headers })
    assert.equal(open.status, 200)
    assert.equal((await admin(first, `/keys/${id}/revoke`, {})).status, 200)
    await open.ended
  })

  it('believe on one whoever signed in on the other, and end it on both when the account is disabled', async (t) => {
    const link = await admin(first, '/users', { name: 'alice', roles: ['admin'] })
    assert.equal(link.status, 201, link.text)
    const browser = new Browser(first.origin, first.caFile)
    t.after(() => browser.close())
    const page = await browser.get(String(link.json.link))
    const ticket = /action="[^"]*(ticket=[^"]+)"/.exec(page.text)?.[1] ?? ''
    assert.equal((await browser.submit(page, ticket, { password: PERSONS, again: PERSONS })).status, 200)
    const client = await admin(first, '/clients', { name: 'c', redirects: [REDIRECT] })
    assert.equal(client.status, 201, client.text)
    browser.forget()
    const tell = async (path: string, form: Record<string, string> | URLSearchParams) =>
      send(first, String(new URLSearchParams(form)), {
        url: `${first.origin}/auth${path}`,
        token: null,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    const ways = { ...first, issuer: `${first.origin}/auth`, browser: () => browser, tell } as unknown as SignInGateway
    const { access_token: token } = await tokensOf(ways, String(client.json.id), 'alice')
    const elsewhere = { token, headers: { host: new URL(first.origin).host } }
    const there = () => callTool(second, 'echo', { text: 'x' }, elsewhere)
    assert.equal((await echo(first, token)).status, 200)
    const reply = await there()
    assert.equal(reply.status, 200, reply.text)
    assert.equal((await admin(first, '/users/alice/disable', {})).status, 200)
    assert.ok((await until(async () => (await there()).status === 401)) < SECOND_MS)
  })

  it('take on one the nonce of a proof that the other has given, and each proof once among both', async () => {
    const [by, signing] = [await proofKey(), await signingKey('first')]
    issuer.keys = [signing.jwk]
    const here = first.url
    const now = Math.floor(Date.now() / 1_000)
    const claims = { sub: 'alice', aud: here, iat: now, exp: now + 300, jti: 'bound', cnf: { jkt: by.jkt } }
    const token = await issuer.token(signing, claims)
    const prove = async (node: Node, nonce?: string) => {
      const dpop = await proofFor(by, { url: here, token, ...(nonce !== undefined && { nonce }) })
      const headers = { authorization: `DPoP ${token}`, dpop, host: new URL(first.origin).host }
      return { headers, reply: await callTool(node, 'echo', { text: 'x' }, { token: null, headers }) }
    }
    const asked = await prove(first)
    assert.match(String(asked.reply.headers['www-authenticate']), /use_dpop_nonce/)
    const nonce = String(asked.reply.headers['dpop-nonce'])
    const { headers, reply } = await prove(second, nonce)
    assert.equal(reply.status, 200, reply.text)
    const again = await callTool(first, 'echo', { text: 'x' }, { token: null, headers })
    assert.equal(again.status, 401)
    const stranger = await prove(second, `${nonce.slice(0, -2)}AA`)
    assert.equal(stranger.reply.status, 401, 'a nonce of nobody is none')
  })

  it('keep tenants apart, whichever node is asked', async () => {
    const [acme, rival] = [await issue(first, 'acme'), await issue(second, 'rival')]
    const seen = await admin(second, '/keys', undefined, { token: acme.token })
    const ids = (seen.json.keys as readonly { id: string }[]).map(({ id }) => id)
    assert.deepEqual([seen.status, ids], [200, [acme.id]])
    const strange = await admin(second, `/keys/${rival.id}/revoke`, {}, { token: acme.token })
    assert.equal(strange.status, 404)
    assert.equal((await admin(second, '/keys?tenant=rival', undefined, { token: acme.token })).status, 404)
    for (const node of [first, second]) assert.equal((await echo(node, rival.token)).status, 200)
  })

  it('let one of many changes win that were decided about the same revision', async () => {
    const { id, revision } = await issue(first)
    const headers = { 'if-match': `"${revision}"` }
    const rotate = (node: Node) => admin(node, `/keys/${id}/rotate`, {}, { headers })
    const replies = await Promise.all(Array.from({ length: 10 }, (_, at) => rotate(at % 2 ? first : second)))
    const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b)
    assert.deepEqual(statuses, [201, ...Array.from({ length: 9 }, () => 412)])
  })

  it('have no more connections than they may, over TLS 1.3 or a socket', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, at) => admin(at % 2 ? first : second, '/keys')))
    const found = await database.run<{ readonly remote: boolean; readonly version: string | null }>(
      'shared',
      `select client_addr is not null as remote, version from pg_stat_activity left join pg_stat_ssl using (pid)
       where usename = $1`,
      [ROLE],
    )
    const [remote, local] = [found.filter((one) => one.remote), found.filter((one) => !one.remote)]
    assert.ok(remote.length > FOR_NEWS && remote.length <= CONNECTIONS + FOR_NEWS, `${remote.length} connections`)
    for (const { version } of remote) assert.equal(version, 'TLSv1.3')
    assert.ok(local.length > FOR_NEWS)
  })

  it('wait no longer for a statement than they may, and let nobody in meanwhile', async () => {
    const { token } = await issue(first)
    const lock = 'begin; lock table portcullis.api_key in access exclusive mode; select pg_sleep(5); commit'
    let isLocked = true
    const locked = database.run('shared', lock).then(() => (isLocked = false))
    await until(async () => {
      const [held] = await database.run('shared', "select from pg_locks where mode = 'AccessExclusiveLock' and granted")
      return held !== undefined
    })
    const earlier = upstream.count()
    const replies = await Promise.all([echo(first, token), admin(first, '/keys')])
    const codes = replies.map(({ status, json }) => [status, json.error.data.code])
    assert.deepEqual(codes, [
      [503, 'identity.unavailable'],
      [503, 'administration.no_store'],
    ])
    assert.deepEqual([upstream.count(), isLocked], [earlier, true])
    await locked
    assert.equal((await echo(first, token)).status, 200)
  })

  it('refuse every call while the database is away, execute nothing, and go on when it is back', async () => {
    const { token } = await issue(first)
    for (const node of [first, second]) assert.equal((await echo(node, token)).status, 200)
    database.kill()
    // Who was known is let in for as long as what was revoked is known, too: at most a second.
    await until(async () => (await echo(first, token)).status !== 200 && (await echo(second, token)).status !== 200)
    const earlier = upstream.count()
    const replies: Reply[] = []
    for (const node of [first, second]) {
      replies.push(await echo(node, token), await echo(node, 'pk_test_unknown'), await admin(node, '/keys'))
      replies.push(await admin(node, '/keys', { name: 'k', roles: ['admin'] }))
    }
    for (const { status, text } of replies) {
      assert.equal(status, 503, text)
      assert.doesNotMatch(text, /postgres|ECONN|127\.0\.0\.1|portcullis_gateway|sql/i)
    }
    assert.equal(upstream.count(), earlier)
    database.again()
    for (const node of [first, second]) await until(async () => (await echo(node, token)).status === 200)
    for (const node of [first, second]) assert.equal(node.process.exitCode, null)
    const later = await issue(first)
    assert.equal((await admin(first, `/keys/${later.id}/revoke`, {})).status, 200)
    assert.ok((await until(async () => (await echo(second, later.token)).status === 401)) < SECOND_MS)
  })
})

describe('a gateway that is not to be trusted with a database', { timeout: 60_000 }, () => {
  it('does not start as the owner, nor with a server that nobody vouches for', () => {
    const wrong: readonly (readonly [store: object, why: RegExp])[] = [
      [{ username: OWNER }, /role portcullis_owner owns the tables/],
      [{ ca: undefined }, /PostgreSQL cannot be used at postgresql:\/\/127\.0\.0\.1:\d+\/shared: .*certificate/i],
    ]
    for (const [store, why] of wrong) {
      const { status, stderr } = command('serve', '--config', configured('wrong', store, PLAIN))
      assert.equal(status, 69)
      assert.match(stderr, why)
      assert.doesNotMatch(stderr, new RegExp(PASSWORD))
    }
  })

  it('names the weakness of plain text', () => {
    const file = configured('plain', { ca: undefined, plaintext: 'loopback-only' })
    const { status, stdout } = command('config', 'validate', '--config', file)
    assert.equal(status, 0)
    assert.match(stdout, /store\.plaintext.*PostgreSQL/)
  })

  it('says of a backup that PostgreSQL is not in it', () => {
    const [file, into, passphrase] = [configured('saved', {}, PLAIN), join(root, 'backup'), join(root, 'phrase')]
    writeFileSync(passphrase, 'a phrase that is long enough', { mode: 0o600 })
    assert.equal(command('init', '--dir', join(root, 'saved')).status, 0)
    const made = command('backup', 'create', '--config', file, '--out', into, '--passphrase-file', passphrase)
    assert.equal(made.status, 0, made.stderr)
    assert.match(made.stderr, /store is in PostgreSQL and is not part of this backup/)
  })
})
