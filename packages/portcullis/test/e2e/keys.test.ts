/** DP-1: who keeps the key-encryption key, new keys while callers go on, and a tenant whose data nobody can read again, in a copy neither. */
import assert from 'node:assert/strict'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { runCommand } from '../../src/cli/main.ts'
import { KeyServiceError } from '../../src/data-protection/key-encryption.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { callTool, send } from '../fixtures/client.ts'
import { startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { AWS, startAwsKms } from '../fixtures/kms-aws.ts'
import type { KmsStandIn } from '../fixtures/kms-server.ts'
import { startVault, VAULT } from '../fixtures/kms-vault.ts'

const POLICY = 'permit (principal, action, resource);\n'
const AWS_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: AWS.id,
  AWS_SECRET_ACCESS_KEY: AWS.secret,
  AWS_SESSION_TOKEN: AWS.session,
  VAULT_ROOT: 'hvs.root',
}

const awsKeeper = ({ url, caFile }: KmsStandIn) => ({
  ...{ driver: 'aws-kms', attempts: 1, deadlineSeconds: 2 },
  aws: { key: 'alias/portcullis', region: AWS.region, endpoint: url, ca: caFile },
})

const vaultKeeper = ({ url, caFile }: KmsStandIn) => ({
  ...{ driver: 'vault-transit', attempts: 1, deadlineSeconds: 2 },
  vault: { address: url, key: 'portcullis', namespace: VAULT.namespace, token: { env: 'VAULT_ROOT' }, ca: caFile },
})

/** A folder in which one gateway after the other is started, and the upstream that all of them have. */
async function scene(t: TestContext, lister = 'default') {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-keys-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const upstream = await startCounting()
  t.after(() => upstream.close())
  const http = { vault: { of: 'tenant', header: 'x-api-key', scheme: '', lister } }
  const start = async (dataProtection: object = {}) => {
    const gateway = await startTestGateway({
      ...{ folder, policy: POLICY, config: { dataProtection }, environment: AWS_ENVIRONMENT },
      upstreams: [{ name: 'mail', url: upstream.url, http }],
    })
    t.after(() => gateway.close())
    return gateway
  }
  const sent = () =>
    upstream.seen.filter(({ message }) => message?.method === 'tools/call').map(({ headers }) => headers['x-api-key'])
  return { folder, upstream, start, sent }
}

async function operate(folder: string, input: string, ...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const status = await runCommand(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    input: async function* () {
      yield Buffer.from(input)
    },
    environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml'), ...AWS_ENVIRONMENT },
    clock: { now: () => Date.now() },
    interrupted: new AbortController().signal,
  })
  return { status, out: out.join('\n'), err: err.join('\n') }
}

const deposit = async (folder: string, secret: string, tenant = 'default') =>
  assert.equal((await operate(folder, secret, 'credential', 'set', '-u', 'mail', '-t', tenant)).status, 0)

const works = async (gateway: TestGateway, token: string) =>
  (await callTool(gateway, 'echo', { text: 'x' }, { token })).status === 200

const changesOf = (gateway: TestGateway) =>
  recordsOf(gateway).flatMap((record) => (record.kind === 'change' ? [record.what] : []))

describe('a key-encryption key that a service keeps', { timeout: 60_000 }, () => {
  it('is asked at the start, and its absence is bridged as long as is configured', async (t) => {
    const service = await startAwsKms()
    t.after(() => service.close())
    const { folder, start, sent } = await scene(t)
    const gateway = await start({ keyEncryption: awsKeeper(service), refreshSeconds: 1, outageSeconds: 4 })
    assert.ok(service.seen.length >= 2)
    await deposit(folder, 'team')
    assert.ok(!existsSync(join(folder, 'state', 'vault.keys')))
    const user = await gateway.issue(['user'])
    assert.ok(await works(gateway, user))
    service.mode = 'down'
    const asked = service.seen.length
    await pause(1_200)
    assert.ok(await works(gateway, user), 'served from memory')
    assert.ok(service.seen.length > asked)
    await pause(4_000)
    assert.equal((await callTool(gateway, 'echo', {}, { token: user })).status, 503)
    assert.equal(sent().length, 2)
    service.mode = 'ok'
    await pause(2_200)
    assert.ok(await works(gateway, user))
    service.mode = 'deny'
    await pause(1_200)
    assert.equal((await callTool(gateway, 'echo', {}, { token: user })).status, 503, 'a disabled key ends at once')
    assert.deepEqual(sent(), ['team', 'team', 'team'])
  })

  for (const mode of ['down', 'deny', 'garbage', 'short', 'unbound'] as const) {
    it(`keeps the gateway from starting when the service is in the state ${mode}`, async (t) => {
      const service = await startAwsKms()
      t.after(() => service.close())
      service.mode = mode
      const { start, folder } = await scene(t)
      await assert.rejects(start({ keyEncryption: awsKeeper(service) }), KeyServiceError)
      assert.ok(!existsSync(join(folder, 'state', 'running.json')))
    })
  }

  it('takes the place of a file, both readable meanwhile, and the file is needed no more', async (t) => {
    const service = await startVault()
    t.after(() => service.close())
    const { folder, start, sent } = await scene(t)
    const first = await start()
    await deposit(folder, 'team')
    const user = await first.issue(['user'])
    assert.ok(await works(first, user))
    await first.close()
    await assert.rejects(start({ keyEncryption: vaultKeeper(service) }), /previous/)
    const both = await start({ keyEncryption: vaultKeeper(service), previous: [{ driver: 'file' }] })
    assert.ok(await works(both, user))
    const done = await operate(folder, '', 'keys', 'rewrap', '--json')
    assert.equal(done.status, 0, done.err)
    assert.deepEqual(JSON.parse(done.out).wrappedBy, { 'vault-transit:transit/portcullis:v1': 1 })
    service.rotate()
    assert.equal((await operate(folder, '', 'keys', 'rewrap', '--json')).status, 0)
    assert.equal((await operate(folder, '', 'keys', 'rewrap', '--new')).status !== 0, true, 'Vault makes its versions')
    assert.ok(await works(both, user))
    assert.equal(changesOf(both).filter((what) => what === 'vault.tenant-keys-rewrapped').length, 2)
    await both.close()
    rmSync(join(folder, 'state', 'vault.keys'))
    const alone = await start({ keyEncryption: vaultKeeper(service) })
    assert.ok(await works(alone, user))
    assert.match((await operate(folder, '', 'keys', 'show')).out, /vault-transit:transit\/portcullis:v2\ndata key 1 /)
    assert.deepEqual(new Set(sent()), new Set(['team']))
  })
})

describe('new keys', { timeout: 60_000 }, () => {
  it('are made while 50 callers go on, sealed anew with progress shown, on record before and after', async (t) => {
    const { folder, start, sent } = await scene(t)
    const gateway = await start()
    await deposit(folder, 'team')
    const users = await Promise.all(Array.from({ length: 50 }, () => gateway.issue(['user'])))
    const state = { isOver: false }
    const callers = users.map(async (token) => {
      let calls = 0
      while (!state.isOver || calls === 0) {
        assert.ok(await works(gateway, token))
        calls++
      }
      return calls
    })
    for (const args of [['rotate'], ['rewrap', '--new'], ['rotate'], ['rewrap', '--new']]) {
      const done = await operate(folder, '', 'keys', ...args)
      assert.equal(done.status, 0, done.err)
      assert.match(done.err, /1 of 1\n1 changed\./)
    }
    state.isOver = true
    const calls = (await Promise.all(callers)).reduce((sum, each) => sum + each, 0)
    assert.equal(sent().length, calls)
    assert.deepEqual(new Set(sent()), new Set(['team']))
    const made = changesOf(gateway).filter((what) => what.startsWith('vault.'))
    const twice = (...what: string[]) => [...what, ...what]
    assert.deepEqual(
      made.toSorted(),
      twice(
        'vault.data-key-rotated',
        'vault.key-encryption-key-rotated',
        'vault.resealed',
        'vault.rewrapped',
      ).toSorted(),
    )
    const lines = readFileSync(join(folder, 'state', 'vault.keys'), 'utf8')
      .trim()
      .split('\n')
    assert.equal(lines.length, 1, 'older key-encryption keys are gone')
  })
})

describe('a tenant that is shredded', { timeout: 60_000 }, () => {
  it('is unreadable at once, and in a copy of the store from before; others go on', async (t) => {
    const { folder, start, sent } = await scene(t, 'other')
    const state = join(folder, 'state')
    const copy = join(folder, 'tenant-keys.copy')
    const settings = { tenantKeys: { copy } }
    const gateway = await start(settings)
    await deposit(folder, 'secret-of-default')
    await deposit(folder, 'secret-of-other', 'other')
    const [user, other] = [await gateway.issue(['user']), await gateway.issue(['user'], { tenant: 'other' })]
    assert.ok((await works(gateway, user)) && (await works(gateway, other)))
    // A real backup of everything that may be in one, taken while the gateway runs.
    const backup = join(folder, 'backup.sqlite')
    const db = new DatabaseSync(join(state, 'store.sqlite'), { readOnly: true })
    db.prepare('vacuum into ?').run(backup)
    db.close()
    const wrapped = wrappedKeyOf(state, 'default')
    assert.ok(bytesOf(state).includes(wrapped) && readFileSync(copy, 'utf8').includes(wrapped))
    assert.equal((await operate(folder, '', 'keys', 'shred', 'default')).status, 2, 'only with --yes')
    assert.ok(await works(gateway, user))
    const before = sent().length
    assert.equal((await operate(folder, '', 'keys', 'shred', 'default', '--yes')).status, 0)
    assert.ok(!(await works(gateway, user)))
    assert.equal(sent().length, before, 'nothing was sent')
    assert.ok(await works(gateway, other))
    assert.ok(changesOf(gateway).includes('vault.shredded'))
    assert.ok(!bytesOf(state).includes(wrapped), 'no trace in the file or its journal')
    assert.ok(!readFileSync(copy, 'utf8').includes(wrapped))
    await gateway.close()
    // The backup comes back, with every key that there still is.
    for (const name of readdirSync(state).filter((one) => one.startsWith('store.sqlite'))) rmSync(join(state, name))
    cpSync(backup, join(state, 'store.sqlite'))
    chmodSync(join(state, 'store.sqlite'), 0o600)
    const restored = await start(settings)
    assert.ok(restored.logged.some((line) => line.includes('their keys are gone') && line.includes('"default"')))
    assert.ok(!(await works(restored, user)))
    assert.ok(await works(restored, other))
    assert.deepEqual(sent().slice(before), ['secret-of-other', 'secret-of-other'])
    // A new life of the tenant does not bring the old one back.
    const again = { url: `${restored.origin}/admin/v1/vault/rotate` }
    assert.equal((await send(restored, {}, again)).status, 200)
    assert.ok(!(await works(restored, user)))
    await deposit(folder, 'new-secret')
    // A link that has failed is left alone for a second.
    await pause(1_200)
    assert.ok(await works(restored, user))
    assert.equal(sent().at(-1), 'new-secret')
  })

  it('without its tenant keys no backup opens; with their copy it does', async (t) => {
    const { folder, start } = await scene(t)
    const state = join(folder, 'state')
    const copy = join(folder, 'tenant-keys.copy')
    const gateway = await start({ tenantKeys: { copy } })
    await deposit(folder, 'team')
    const user = await gateway.issue(['user'])
    await gateway.close()
    for (const name of readdirSync(state).filter((one) => one.startsWith('tenant-keys.'))) rmSync(join(state, name))
    const without = await start()
    assert.ok(!(await works(without, user)))
    await without.close()
    for (const name of readdirSync(state).filter((one) => one.startsWith('tenant-keys.'))) rmSync(join(state, name))
    const saved = await start({ tenantKeys: { copy } })
    assert.ok(await works(saved, user))
  })
})

describe('a file that keeps the key-encryption key', { timeout: 60_000 }, () => {
  for (const [what, harm, message] of [
    ['is open to others', (file: string) => chmodSync(file, 0o640), /can be read by others/],
    ['is gone', (file: string) => rmSync(file), /does not open any more/],
    ['is damaged', (file: string) => writeFileSync(file, 'x\n'), /does not hold/],
  ] as const) {
    it(`keeps the gateway from starting when it ${what}`, async (t) => {
      const { folder, start } = await scene(t)
      const gateway = await start()
      await deposit(folder, 'team')
      await gateway.close()
      harm(join(folder, 'state', 'vault.keys'))
      await assert.rejects(start(), message)
    })
  }
})

describe('a file that is lost while the gateway runs', { timeout: 60_000 }, () => {
  it('is not begun anew for the next tenant, which would make the loss final', async (t) => {
    const { folder, start } = await scene(t)
    const gateway = await start()
    await deposit(folder, 'team')
    const file = join(folder, 'state', 'vault.keys')
    const kept = readFileSync(file)
    rmSync(file)
    assert.notEqual((await operate(folder, 'x', 'credential', 'set', '-u', 'mail', '-t', 'other')).status, 0)
    assert.notEqual((await operate(folder, '', 'keys', 'rewrap', '--new')).status, 0)
    assert.ok(!existsSync(file))
    await gateway.close()
    // Without a gateway too.
    assert.notEqual((await operate(folder, 'x', 'credential', 'set', '-u', 'mail', '-t', 'other')).status, 0)
    assert.ok(!existsSync(file))
    writeFileSync(file, kept, { mode: 0o600 })
    await deposit(folder, 'x', 'other')
  })
})

describe('a sealed value in another place', { timeout: 60_000 }, () => {
  it('does not open: not of another tenant, and not with its keys either', async (t) => {
    const { folder, start, sent } = await scene(t)
    const gateway = await start()
    await deposit(folder, 'secret-of-default')
    await deposit(folder, 'secret-of-other', 'other')
    const other = await gateway.issue(['user'], { tenant: 'other' })
    const db = new DatabaseSync(join(folder, 'state', 'store.sqlite'))
    db.exec(
      `update upstream_credential set sealed = (select sealed from upstream_credential where tenant = 'default') where tenant = 'other'`,
    )
    assert.ok(!(await works(gateway, other)))
    // With the keys of the other tenant too.
    db.exec(
      `delete from data_key where tenant = 'other'; insert into data_key select 'other', version, wrapped_by, wrapped, created_at from data_key where tenant = 'default'`,
    )
    db.close()
    const keys = new DatabaseSync(join(folder, 'state', 'tenant-keys.sqlite'))
    keys.exec(
      `create temp table k as select * from tenant_key where tenant = 'default'; delete from tenant_key; insert into tenant_key select 'other', id, wrapped_by, wrapped, created_at from k`,
    )
    keys.close()
    assert.ok(!(await works(gateway, other)))
    assert.deepEqual(sent(), [])
  })
})

for (const [what, dataProtection, message] of [
  ['a driver without its settings', { keyEncryption: { driver: 'aws-kms' } }, /needs aws/],
  [
    'settings of another driver',
    { keyEncryption: { driver: 'file', vault: { address: 'https://v', key: 'k', token: { env: 'HOME' } } } },
    /does not belong/,
  ],
  [
    'plain http',
    {
      keyEncryption: {
        driver: 'vault-transit',
        vault: { address: 'http://127.0.0.1:8200', key: 'k', token: { env: 'HOME' } },
      },
    },
    /https origin/,
  ],
  [
    'two ways to sign in',
    {
      keyEncryption: {
        driver: 'vault-transit',
        vault: {
          address: 'https://v',
          key: 'k',
          token: { env: 'HOME' },
          appRole: { role: 'r', secret: { env: 'HOME' } },
        },
      },
    },
    /exactly one/,
  ],
  [
    'a secret that is not there',
    {
      keyEncryption: {
        driver: 'gcp-kms',
        gcp: { key: 'projects/p/locations/l/keyRings/r/cryptoKeys/k', account: { env: 'NOT_THERE' } },
      },
    },
    /NOT_THERE/,
  ],
  [
    'the same keeper before and now',
    { keyEncryption: { driver: 'file' }, previous: [{ driver: 'file' }] },
    /listed twice/,
  ],
  ['an outage shorter than the refresh', { refreshSeconds: 100, outageSeconds: 10 }, /at least refreshSeconds/],
  ['a misspelt key', { keyEncryption: { drivers: 'file' } }, /driver/],
] as const)
  it(`the configuration is refused: ${what}`, async (t) => {
    await assert.rejects((await scene(t)).start(dataProtection), message)
  })

function wrappedKeyOf(state: string, tenant: string): string {
  const db = new DatabaseSync(join(state, 'tenant-keys.sqlite'), { readOnly: true })
  const wrapped = String(db.prepare('select wrapped from tenant_key where tenant = ?').get(tenant)?.['wrapped'])
  db.close()
  return wrapped
}

/** Of the file of the tenant keys, and all that lies beside it. */
const bytesOf = (state: string): string =>
  readdirSync(state)
    .filter((name) => name.startsWith('tenant-keys.'))
    .map((name) => readFileSync(join(state, name), 'latin1'))
    .join('')
