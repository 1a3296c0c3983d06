import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AnonymousRows } from '../../../src/identity/server/anonymous-rows.ts'
import { PasskeyChallenges } from '../../../src/identity/server/passkeys/passkey-challenge.ts'
import { Journeys } from '../../../src/identity/server/providers/journeys.ts'
import { MemoryGrants } from '../../../src/stores/memory/grants.ts'
import { isFault } from '../../upstream/harness.ts'

function made(most: number) {
  const clock = { at: 1_000_000, now: () => clock.at }
  const grants = new MemoryGrants()
  const rows = new AnonymousRows({ grants, clock, kind: 'Left', most })
  const leave = async (name: string) => {
    await rows.requireRoom()
    await grants.put({ kind: 'Left', digest: name, payload: '{}', expiresAt: clock.at + 60_000 })
  }
  return { clock, grants, rows, leave }
}

describe('what strangers leave in the store', () => {
  it('is bounded, and what is refused leaves nothing', async () => {
    const { grants, leave } = made(10)
    const left = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => leave(`n${n}`)))
    assert.equal(left.filter(({ status }) => status === 'fulfilled').length, 10)
    assert.equal(await grants.count('Left'), 10)
    await assert.rejects(leave('more'), isFault('identity.unavailable'))
  })

  it('makes room when it is over, and counts what other nodes have left', async () => {
    const { clock, grants, leave } = made(2)
    await leave('mine')
    await grants.put({ kind: 'Left', digest: 'of another node', payload: '{}', expiresAt: clock.at + 60_000 })
    clock.at += 5_000
    await assert.rejects(leave('more'), isFault('identity.unavailable'))
    clock.at += 60_000
    await leave('later')
    assert.equal(await grants.count('Left'), 1, 'what was over was swept')
  })

  it('is asked for before a sign-in elsewhere begins and before a passkey is tried', async () => {
    const clock = { now: () => 1_000_000 }
    const grants = new MemoryGrants()
    grants.count = async () => 50_000
    const parts = { key: 'k'.repeat(43), grants, clock }
    const journey = { provider: 'acme', about: 'page', back: '/arrive', fresh: false }
    await assert.rejects(new Journeys(parts).begin(journey), isFault('identity.unavailable'))
    const challenges = new PasskeyChallenges(parts)
    const challenge = challenges.issue('get', 'page')
    await assert.rejects(challenges.spend(challenge, 'get', 'page'), isFault('identity.unavailable'))
    assert.equal(await challenges.spend(challenge, 'get', 'another page'), false, 'what is none of ours costs no room')
    assert.equal(await grants.sweep(Number.POSITIVE_INFINITY), 0, 'nothing was left')
  })
})
