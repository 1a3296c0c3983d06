import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isApiKey } from '../../src/identity/api-key.ts'
import { desk } from './desk.ts'

const CONFIG = 'version: 1\nstate: state\nupstreams: { files: { stdio: { command: node } } }\n'

test('a key is created, listed without its secret, rotated and revoked', async (context) => {
  const { run } = desk(context, CONFIG)
  const created = await run('key', 'create', '-n', 'robot', '-r', 'user', '-u', 'files', '--json')
  assert.equal(created.status, 0, created.err.join('\n'))
  const { key, id, expiresAt, upstreams } = JSON.parse(created.out[0] ?? '') as Record<string, unknown>
  assert(isApiKey(String(key)))
  assert.deepEqual(upstreams, ['files'])
  assert.equal(expiresAt, Date.parse('2026-08-30T00:00:00Z'))

  const rotated = await run('key', 'rotate', String(id), '--overlap', '15m', '--json')
  assert.equal(rotated.status, 0)
  const successor = JSON.parse(rotated.out[0] ?? '') as Record<string, unknown>
  assert.notEqual(successor['key'], key)

  assert.equal((await run('key', 'revoke', String(successor['id']))).status, 0)
  assert.equal((await run('key', 'revoke', String(successor['id']))).status, 1)
  assert.equal((await run('key', 'rotate', String(successor['id']))).status, 1)

  const listed = await run('key', 'list')
  assert.match(listed.out.join('\n'), /robot +user +replaced, until 2026-06-01 00:15/)
  assert.match(listed.out.join('\n'), /revoked/)
  const everything = [...listed.out, ...(await run('key', 'list', '--json')).out].join('\n')
  assert(!everything.includes(String(key)))
  assert(!everything.includes('digest'))
})

test('the keys of one tenant are no keys of another', async (context) => {
  const { run } = desk(context, CONFIG)
  const { out } = await run('key', 'create', '-n', 'robot', '-r', 'user', '-t', 'one', '--json')
  const { id } = JSON.parse(out[0] ?? '') as { id: string }
  assert.equal((await run('key', 'revoke', id, '-t', 'two')).status, 1)
  assert.deepEqual((await run('key', 'list', '-t', 'two', '--json')).out, [])
  assert.equal((await run('key', 'list', '-t', 'one', '--json')).out.length, 1)
})

const REFUSED: readonly (readonly [what: string, args: readonly string[], status: number, says: RegExp])[] = [
  ['a role that is none', ['-n', 'x', '-r', 'usr'], 2, /there is no role "usr"; known are admin, user/],
  [
    'an upstream that is none',
    ['-n', 'x', '-r', 'user', '-u', 'file'],
    2,
    /there is no upstream "file"; known are files/,
  ],
  ['a duration that is none', ['-n', 'x', '-r', 'user', '--expires', 'soon'], 2, /is not a duration/],
  ['a key without a role', ['-n', 'x'], 2, /required option/],
]

for (const [what, args, status, says] of REFUSED) {
  test(`${what} makes no key`, async (context) => {
    const { run } = desk(context, CONFIG)
    const ran = await run('key', 'create', ...args)
    assert.equal(ran.status, status)
    assert.match(ran.err.join('\n'), says)
    assert.deepEqual(ran.out, [])
    assert.deepEqual((await run('key', 'list', '--json')).out, [])
  })
}

test('a store in memory has no keys that can be reached', async (context) => {
  const { run } = desk(context, `${CONFIG}store: { kind: memory }\n`)
  const { status, err } = await run('key', 'list')
  assert.equal(status, 69)
  assert.match(err.join(''), /lives inside the gateway/)
})
