import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { desk, NOW } from './desk.ts'

const CONFIG = `version: 1
state: state
listen: { port: 8443 }
identity: { server: {} }
upstreams: { files: { stdio: { command: node } } }
`

test('a user is added with a link, listed, given a second factor, disabled and enabled', async (context) => {
  const { run } = desk(context, CONFIG)
  const added = await run('user', 'add', 'Alice', '-r', 'admin')
  assert.equal(added.status, 0, added.err.join('\n'))
  assert.match(added.out[0] ?? '', /^https:\/\/127\.0\.0\.1:8443\/auth\/welcome\?ticket=[\w-]{43}$/)
  assert.match((await run('user', 'list')).out.join('\n'), /alice +admin +no +invited/)
  assert.match((await run('user', 'password', 'ALICE')).out[0] ?? '', /welcome\?ticket=/)

  const enrolled = await run('user', 'totp', 'alice')
  assert.match(enrolled.out[0] ?? '', /^otpauth:\/\/totp\/.*secret=[A-Z2-7]{32}/)
  assert.match((await run('user', 'list')).out.join('\n'), /alice +admin +yes/)
  const listed = (await run('user', 'list', '--json')).out.join('\n')
  const secret = /secret=([A-Z2-7]+)/.exec(enrolled.out[0] ?? '')?.[1] ?? ''
  assert.ok(!listed.includes(secret) && !listed.includes('totp'))
  assert.equal((await run('user', 'totp', 'alice', '--remove')).status, 0)

  assert.equal((await run('user', 'disable', 'alice')).status, 0)
  assert.match((await run('user', 'list')).out.join('\n'), /disabled/)
  assert.equal((await run('user', 'disable', 'alice', '--enable')).status, 0)
  assert.match((await run('user', 'list')).out.join('\n'), /invited/)
})

test('an account is linked to a person of a provider, once, and unlinked', async (context) => {
  const provider =
    'name: acme, title: Acme, issuer: "https://acme.example", clientId: us, clientSecret: { file: secret }'
  const { run, folder } = desk(context, CONFIG.replace('server: {}', `server: { providers: [{ ${provider} }] }`))
  writeFileSync(join(folder, 'secret'), 's', { mode: 0o600 })
  for (const name of ['alice', 'bob']) assert.equal((await run('user', 'add', name, '-r', 'admin')).status, 0)
  const link = (name: string, ...more: readonly string[]) =>
    run('user', 'link', name, '-p', 'acme', '-s', '42', ...more)
  assert.equal((await link('alice')).status, 0)
  assert.match((await link('bob')).err.join('\n'), /has an account already/)
  assert.match((await run('user', 'link', 'alice')).out.join('\n'), /acme +42 +operator/)
  assert.deepEqual((await run('user', 'link', 'bob', '--json')).out, [])
  assert.equal((await run('user', 'link', 'bob', '-p', 'acne', '-s', '42')).status, 2)
  assert.equal((await run('user', 'link', 'bob', '-p', 'acme')).status, 2)
  assert.equal((await link('bob', '--remove')).status, 1)
  assert.equal((await link('alice', '--remove')).status, 0)
  assert.equal((await link('bob')).status, 0)
})

test('passkeys of an account are listed, and removing one that is not there says so', async (context) => {
  const { run, folder } = desk(context, CONFIG)
  const added = await run('user', 'add', 'alice', '-r', 'admin', '--json')
  const { id } = JSON.parse(added.out[0] ?? '') as { id: string }
  assert.match((await run('user', 'passkeys', 'list', 'alice')).err.join('\n'), /has no passkeys/)
  const stores = await openSqliteStores({ path: join(folder, 'state', 'store.sqlite') })
  const common = { account: id, tenant: 'default', publicKey: 'cose', counter: 0, transports: [], createdAt: NOW }
  await stores.passkeys.add({ ...common, id: 'one', label: 'Laptop\u001b[31m', synced: false }, 5)
  await stores.close()
  const listed = (await run('user', 'passkeys', 'list', 'alice')).out.join('\n')
  assert.match(listed, /one +Laptop.*one device +2026-06-01 +never/)
  assert.ok(!listed.includes('\u001b'))
  assert.ok(!(await run('user', 'passkeys', 'list', 'alice', '--json')).out.join('').includes('cose'))
  assert.equal((await run('user', 'passkeys', 'remove', 'alice', 'two')).status, 1)
  assert.equal((await run('user', 'passkeys', 'remove', 'alice', 'one', '-t', 'other')).status, 1)
  assert.equal((await run('user', 'passkeys', 'remove', 'alice', 'one')).status, 0)
  assert.deepEqual((await run('user', 'passkeys', 'list', 'alice', '--json')).out, [])
})

test('a client is added, listed without its secret, and removed', async (context) => {
  const { run } = desk(context, CONFIG)
  const added = await run('client', 'add', 'Robot', '--role', 'admin', '--assertions', '--secret', '--json')
  assert.equal(added.status, 0, added.err.join('\n'))
  const { id, secret } = JSON.parse(added.out[0] ?? '') as { id: string; secret: string }
  assert.match(secret, /^[\w-]{43}$/)
  const listed = [...(await run('client', 'list')).out, ...(await run('client', 'list', '--json')).out].join('\n')
  assert.match(listed, /Robot +admin +operator/)
  assert.match(listed, /grant-type:jwt-bearer/)
  assert.ok(!listed.includes(secret) && !listed.includes('secretDigest'))
  assert.equal((await run('client', 'remove', id, '-t', 'other')).status, 1)
  assert.equal((await run('client', 'remove', id)).status, 0)
  assert.equal((await run('client', 'remove', id)).status, 1)
})

test('roles are changed, clients disabled and given new secrets, and all of it ends for good', async (context) => {
  const { run } = desk(context, CONFIG)
  assert.equal((await run('user', 'add', 'alice', '-r', 'user')).status, 0)
  assert.equal((await run('user', 'roles', 'alice', '-r', 'admin', 'user')).status, 0)
  assert.match((await run('user', 'list')).out.join('\n'), /alice +admin,user/)
  assert.equal((await run('user', 'roles', 'alice', '-r', 'root')).status, 2)
  const added = await run('client', 'add', 'Robot', '--role', 'admin', '--secret', '--json')
  const { id, secret } = JSON.parse(added.out[0] ?? '') as { id: string; secret: string }
  const rotated = await run('client', 'rotate', id)
  assert.match(rotated.out[0] ?? '', /^[\w-]{43}$/)
  assert.notEqual(rotated.out[0], secret)
  assert.equal((await run('client', 'disable', id)).status, 0)
  assert.match((await run('client', 'list')).out.join('\n'), /disabled/)
  assert.equal((await run('client', 'disable', id, '--enable')).status, 0)
  assert.match((await run('client', 'list')).out.join('\n'), /active/)
  assert.match((await run('role', 'list')).out.join('\n'), /admin +administrator +0 +1 +1/)
  assert.equal((await run('user', 'remove', 'alice')).status, 0)
  assert.equal((await run('user', 'remove', 'alice')).status, 1)
  assert.deepEqual((await run('user', 'list', '--json')).out, [])
})

test('tenants are suspended and principals revoked while no gateway runs; what only one has says so', async (context) => {
  const { run } = desk(context, CONFIG)
  assert.equal((await run('tenant', 'suspend', 'acme')).status, 0)
  assert.match((await run('revoke', 'list', '-t', 'acme')).out.join('\n'), /tenant +acme/)
  assert.equal((await run('tenant', 'resume', 'acme')).status, 0)
  assert.equal((await run('revoke', 'principal', 'key:x', '--for', '1h')).status, 0)
  assert.equal((await run('revoke', 'list', '--json')).out.length, 1)
  for (const list of ['session', 'grant']) assert.deepEqual((await run(list, 'list', '--json')).out, [])
  const upstreams = await run('upstream', 'list')
  assert.equal(upstreams.status, 2)
  assert.match(upstreams.err.join('\n'), /No gateway is running/)
})

const REFUSED: readonly (readonly [what: string, args: readonly string[], status: number, says: RegExp])[] = [
  [
    'a user with a role that is none',
    ['user', 'add', 'bob', '-r', 'usr'],
    2,
    /there is no role "usr"; known are admin, user/,
  ],
  ['a user without a role', ['user', 'add', 'bob'], 2, /required option/],
  ['a user with a name that is none', ['user', 'add', 'a b', '-r', 'user'], 1, /not a name to sign in by/],
  ['a user that is not there', ['user', 'disable', 'nobody'], 1, /has no user "nobody"/],
  ['a client without any use', ['client', 'add', 'x'], 2, /needs a redirect/],
  ['a client with a dangerous redirect', ['client', 'add', 'x', '--redirect', 'javascript:x'], 2, /browsers act upon/],
  ['a client with roles but no proof', ['client', 'add', 'x', '-r', 'admin'], 2, /needs a secret or keys/],
  [
    'a client that presents assertions but has no proof',
    ['client', 'add', 'x', '--assertions'],
    2,
    /needs a secret or keys/,
  ],
  ['a client with two proofs', ['client', 'add', 'x', '-r', 'admin', '--secret', '--keys', 'x'], 2, /exclude/],
  ['a client with keys that are none', ['client', 'add', 'x', '-r', 'admin', '--keys', 'missing.json'], 2, /Key Set/],
]

for (const [what, args, status, says] of REFUSED) {
  test(`${what} is refused`, async (context) => {
    const { run } = desk(context, CONFIG)
    const ran = await run(...args)
    assert.equal(ran.status, status)
    assert.match(ran.err.join('\n'), says)
    assert.deepEqual((await run('user', 'list', '--json')).out, [])
    assert.deepEqual((await run('client', 'list', '--json')).out, [])
  })
}

test('a name is taken once, in every spelling', async (context) => {
  const { run } = desk(context, CONFIG)
  assert.equal((await run('user', 'add', 'alice', '-r', 'user')).status, 0)
  assert.equal((await run('user', 'add', ' ALICE ', '-r', 'user')).status, 1)
  assert.equal((await run('user', 'add', 'alice', '-r', 'user', '-t', 'other')).status, 1)
})

test('without an authorization server there is nobody to add', async (context) => {
  const { run } = desk(context, CONFIG.replace('identity: { server: {} }\n', ''))
  const ran = await run('user', 'add', 'alice', '-r', 'user')
  assert.equal(ran.status, 2)
  assert.match(ran.err.join('\n'), /add identity\.server/)
})
