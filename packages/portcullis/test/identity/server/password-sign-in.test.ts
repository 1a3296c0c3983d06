import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountName } from '../../../src/identity/server/account-name.ts'
import { hashPassword } from '../../../src/identity/server/password.ts'
import { lockedUntil, PasswordSignIn } from '../../../src/identity/server/password-sign-in.ts'
import type { Seal } from '../../../src/identity/server/seal.ts'
import { MemoryAccounts } from '../../../src/stores/memory/accounts.ts'

const PASSWORD = 'correct horse battery staple'
const NO_SEAL: Seal = { seal: async (text) => text, open: async (text) => text }

async function signIn() {
  const accounts = new MemoryAccounts()
  const clock = { at: 1_000_000, now: () => clock.at }
  const password = await hashPassword(PASSWORD)
  await accounts.insert({ id: 'a', tenant: 'acme', name: 'alice', roles: [], createdAt: 0, password })
  const method = new PasswordSignIn({ accounts, clock, seal: NO_SEAL })
  const attempt = (typed: string, name = 'alice') =>
    method.verify(
      new Map([
        ['name', name],
        ['password', typed],
      ]),
    )
  return { accounts, clock, attempt }
}

test('the right password signs in, however the name is spelled, and forgets the failures before', async () => {
  const { accounts, attempt } = await signIn()
  await attempt('wrong')
  assert.deepEqual(await attempt(PASSWORD, ' ALICE '), { accountId: 'a', amr: ['pwd'] })
  assert.equal((await accounts.findById('a'))?.failures, 0)
})

test('each failure after four doubles the pause, up to fifteen minutes', () => {
  assert.deepEqual(
    [1, 4, 5, 6, 7].map((failures) => lockedUntil(failures, 1_000)),
    [0, 0, 2_000, 3_000, 5_000],
  )
  assert.equal(lockedUntil(500, 1_000), 1_000 + 15 * 60_000)
})

test('while it is locked the right password does not help; when the pause is over it does', async () => {
  const { clock, attempt } = await signIn()
  for (let failure = 0; failure < 5; failure++) await attempt('wrong')
  assert.equal(await attempt(PASSWORD), undefined)
  clock.at += 999
  assert.equal(await attempt(PASSWORD), undefined)
  clock.at += 1
  assert.ok(await attempt(PASSWORD))
})

test('of many guesses at once only one is tried', async () => {
  const { accounts, attempt } = await signIn()
  const guesses = await Promise.all(Array.from({ length: 20 }, () => attempt(PASSWORD)))
  assert.equal(guesses.filter((one) => one !== undefined).length, 1)
  assert.ok(Number((await accounts.findById('a'))?.failures) <= 1)
})

test('more than can wait are turned away instead of being queued without end', async () => {
  const { attempt } = await signIn()
  const outcomes = await Promise.allSettled(Array.from({ length: 60 }, (_, at) => attempt('wrong', `nobody-${at}`)))
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < 60)
})

for (const [text, name] of [
  ['Alice', 'alice'],
  [' alice@example.org ', 'alice@example.org'],
  ['\uff21lice', 'alice'],
  ['J\u00fcrgen', 'j\u00fcrgen'],
  ['Ju\u0308rgen', 'j\u00fcrgen'],
  ['', undefined],
  ['-alice', undefined],
  ['a b', undefined],
  ['ali\u200dce', undefined],
  ['alice\u202e', undefined],
  ['x'.repeat(65), undefined],
] as const)
  test(`${JSON.stringify(text.slice(0, 20))} is ${name === undefined ? 'no name' : `the name ${name}`}`, () => {
    assert.equal(accountName(text), name)
  })
