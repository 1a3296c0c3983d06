import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, MAX_PASSWORD_CHARS, verifyPassword } from '../../../src/identity/server/password.ts'

test('a password verifies against its own hash only, and two hashes of it differ', async () => {
  const [first, second] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  assert.match(first ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.notEqual(first, second)
  assert.equal(await verifyPassword(first ?? '', 'correct horse'), true)
  assert.equal(await verifyPassword(first ?? '', 'correct horsf'), false)
  assert.equal(await verifyPassword(first ?? '', ''), false)
})

test('what an older Node.js has hashed by scrypt still verifies', async () => {
  // Made by scrypt of RFC 7914 with N = 2^10, r = 8, p = 1 over "correct horse" and a salt of 16 zero bytes.
  const { scryptSync } = await import('node:crypto')
  const hash = scryptSync('correct horse', Buffer.alloc(16), 32, { N: 1024, r: 8, p: 1 })
  const phc = `$scrypt$ln=10,r=8,p=1$${Buffer.alloc(16).toString('base64').replaceAll('=', '')}$${hash.toString('base64').replaceAll('=', '')}`
  assert.equal(await verifyPassword(phc, 'correct horse'), true)
  assert.equal(await verifyPassword(phc, 'correct horsf'), false)
})

test('two spellings of one password are the same', async () => {
  const phc = await hashPassword('caf\u00e9 au lait')
  assert.equal(await verifyPassword(phc, 'cafe\u0301 au lait'), true)
})

for (const phc of [
  '',
  'plain',
  '$argon2id$v=19$m=1$x$y',
  '$md5$ln=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA',
  `$argon2i$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
]) {
  test(`nothing verifies against ${phc === '' ? 'no hash' : phc.slice(0, 24)}`, async () => {
    assert.equal(await verifyPassword(phc, 'x'), false)
  })
}

test('an endless password is not hashed', async () => {
  const endless = 'x'.repeat(MAX_PASSWORD_CHARS + 1)
  await assert.rejects(hashPassword(endless), RangeError)
  assert.equal(await verifyPassword(await hashPassword('x'), endless), false)
})
