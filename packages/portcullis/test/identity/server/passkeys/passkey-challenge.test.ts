import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PasskeyChallenges } from '../../../../src/identity/server/passkeys/passkey-challenge.ts'
import { MemoryGrants } from '../../../../src/stores/memory/grants.ts'

function challenges(key = 'k'.repeat(43)) {
  const clock = { at: 1_000_000, now: () => clock.at }
  return { clock, challenges: new PasskeyChallenges({ key, grants: new MemoryGrants(), clock }) }
}

test('a challenge is good once, for its purpose and its page', async () => {
  const { challenges: own } = challenges()
  const challenge = own.issue('get', 'page')
  assert.match(challenge, /^[\w-]{75}$/)
  assert.equal(await own.spend(challenge, 'create', 'page'), false)
  assert.equal(await own.spend(challenge, 'get', 'another page'), false)
  assert.equal(await own.spend(challenge, 'get', 'page'), true)
  assert.equal(await own.spend(challenge, 'get', 'page'), false)
})

test('of 50 who spend a challenge at once one succeeds', async () => {
  const { challenges: own } = challenges()
  const challenge = own.issue('create', 'page')
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => own.spend(challenge, 'create', 'page')))
  assert.equal(outcomes.filter(Boolean).length, 1)
})

test('a challenge ends after a quarter of an hour, and is never issued twice', async () => {
  const { challenges: own, clock } = challenges()
  const [first, second] = [own.issue('get', 'page'), own.issue('get', 'page')]
  assert.notEqual(first, second)
  clock.at += 15 * 60_000 - 1
  assert.equal(await own.spend(first, 'get', 'page'), true)
  clock.at += 1
  assert.equal(await own.spend(second, 'get', 'page'), false)
})

test('a challenge of another server, a changed one and any other text are none', async () => {
  const { challenges: own } = challenges()
  assert.equal(await own.spend(challenges('x'.repeat(43)).challenges.issue('get', 'page'), 'get', 'page'), false)
  const challenge = own.issue('get', 'page')
  const changes = fc.asyncProperty(
    fc.nat({ max: challenge.length - 1 }),
    fc.constantFrom('A', 'b', '0', '-', '=', '+', ' '),
    async (at, by) => {
      fc.pre(challenge[at] !== by)
      assert.equal(await own.spend(challenge.slice(0, at) + by + challenge.slice(at + 1), 'get', 'page'), false)
    },
  )
  await fc.assert(changes)
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => assert.equal(await own.spend(text, 'get', 'page'), false)),
  )
  assert.equal(await own.spend(`${challenge}=`, 'get', 'page'), false, 'another spelling of the same bytes')
  assert.equal(await own.spend(challenge, 'get', 'page'), true)
})
