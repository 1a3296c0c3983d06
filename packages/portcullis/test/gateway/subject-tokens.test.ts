import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SubjectTokens } from '../../src/gateway/subject-tokens.ts'

const holder = { tenant: 'default', principal: 'user' }

function setUp() {
  const clock = { at: 1_000, now: () => clock.at }
  const revoked = new Set<string>()
  const tokens = new SubjectTokens(clock, ({ credential }) => revoked.has(credential.id))
  const call = (authorization: string, credential: object = {}) =>
    ({
      principal: { tenant: 'default', id: 'user', credential: { kind: 'jwt', id: authorization, ...credential } },
      head: { headers: { authorization } },
    }) as never
  const seen = () => tokens.of(holder)?.token.reveal()
  return { clock, revoked, tokens, call, seen }
}

describe('SubjectTokens', () => {
  it('gives each of several calls of one person its own token, however they are mixed', async () => {
    const { tokens, call, seen } = setUp()
    const names = Array.from({ length: 50 }, (_, at) => `token-${at}`)
    const found = await Promise.all(
      names.map((name, at) =>
        tokens.within(call(`Bearer ${name}`), async () => {
          await sleep((at * 7) % 5)
          const first = seen()
          await sleep((at * 3) % 5)
          return [first, seen()]
        }),
      ),
    )
    assert.deepEqual(
      found,
      names.map((name) => [name, name]),
    )
  })

  it('does not serve a caller with a bound credential, or with a key, with an earlier token of the same person', () => {
    const { tokens, call, seen } = setUp()
    assert.equal(tokens.within(call('Bearer broad'), seen), 'broad')
    assert.equal(seen(), 'broad')
    assert.equal(tokens.within(call('DPoP bound', { bound: 'key' }), seen), undefined)
    assert.equal(seen(), undefined)
    tokens.within(call('Bearer broad'), seen)
    assert.equal(tokens.within(call('Bearer pk_key', { kind: 'api-key' }), seen), undefined)
    assert.equal(seen(), undefined)
  })

  it('ends a token with its revocation, within the call that came with it and between calls', () => {
    const { tokens, call, seen, revoked } = setUp()
    tokens.within(call('Bearer good'), seen)
    tokens.within(call('Bearer bad'), () => {
      assert.equal(seen(), 'bad')
      revoked.add('Bearer bad')
      assert.equal(seen(), undefined, 'not even another token of the same person')
    })
    assert.equal(seen(), undefined)
  })

  it('goes on with a later token of the same person when that of the call is over', () => {
    const { tokens, call, seen, clock } = setUp()
    tokens.within(call('Bearer old', { expiresAt: 2_000 }), () => {
      clock.at = 2_000
      assert.equal(seen(), undefined)
      tokens.within(call('Bearer new', { expiresAt: 9_000 }), seen)
      assert.equal(seen(), 'new')
    })
  })

  it('knows nobody else, and forgets a token that does not say when it ends', () => {
    const { tokens, call, clock, seen } = setUp()
    tokens.within(call('Bearer one'), () => {
      assert.equal(tokens.of({ tenant: 'other', principal: 'user' }), undefined)
      assert.equal(tokens.of({ tenant: 'default', principal: 'user2' }), undefined)
    })
    clock.at += 5 * 60_000
    assert.equal(seen(), undefined)
  })
})
