import assert from 'node:assert/strict'
import { test } from 'node:test'
import { desk } from './desk.ts'

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

test('a client is added, listed without its secret, and removed', async (context) => {
  const { run } = desk(context, CONFIG)
  const added = await run('client', 'add', 'Robot', '--role', 'admin', '--secret', '--json')
  assert.equal(added.status, 0, added.err.join('\n'))
  const { id, secret } = JSON.parse(added.out[0] ?? '') as { id: string; secret: string }
  assert.match(secret, /^[\w-]{43}$/)
  const listed = [...(await run('client', 'list')).out, ...(await run('client', 'list', '--json')).out].join('\n')
  assert.match(listed, /Robot +admin +operator/)
  assert.ok(!listed.includes(secret) && !listed.includes('secretDigest'))
  assert.equal((await run('client', 'remove', id, '-t', 'other')).status, 1)
  assert.equal((await run('client', 'remove', id)).status, 0)
  assert.equal((await run('client', 'remove', id)).status, 1)
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
