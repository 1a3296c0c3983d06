import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JWK } from 'jose'
import { Jwks } from '../../src/identity/jwks.ts'
import { signingKey } from './loopback-issuer.ts'
import { StillClock } from './still-clock.ts'

const [one, two] = await Promise.all([signingKey('one'), signingKey('two')])
const JWS = { payload: '', signature: '', protected: '' }
const HOUR = 3_600_000

function jwks(keys: readonly unknown[] = [one.jwk]) {
  const state = { keys, loads: 0, down: false }
  const clock = new StillClock()
  const load = async () => {
    state.loads += 1
    if (state.down) throw new Error('down')
    return { keys: state.keys }
  }
  const set = new Jwks({ issuer: 'i', load, clock, maxAgeMs: HOUR, staleMs: HOUR, cooldownMs: 30_000 })
  return { state, clock, find: (kid: string, alg = 'ES256') => set.keyFor({ kid, alg }, JWS) }
}

describe('Jwks', () => {
  it('loads once for 50 who ask at once, and not again', async () => {
    const { state, find } = jwks()
    await Promise.all(Array.from({ length: 50 }, () => find('one')))
    await find('one')
    assert.equal(state.loads, 1)
  })

  it('finds a new key after a rotation', async () => {
    const { state, clock, find } = jwks()
    await find('one')
    state.keys = [two.jwk]
    clock.advance(30_000)
    await find('two')
    assert.equal(state.loads, 2)
    await assert.rejects(find('one'))
  })

  it('loads at most once in the cooldown for ids that nobody knows', async () => {
    const { state, clock, find } = jwks()
    await find('one')
    clock.advance(30_000)
    for (let at = 0; at < 20; at++) await assert.rejects(find(`made-up-${at}`), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
    assert.equal(state.loads, 2)
  })

  it('loads again when the set is old', async () => {
    const { state, clock, find } = jwks()
    await find('one')
    clock.advance(HOUR + 1)
    await find('one')
    assert.equal(state.loads, 2)
  })

  it('goes on with an old set while the issuer fails, but not for ever', async () => {
    const { state, clock, find } = jwks()
    await find('one')
    state.down = true
    clock.advance(HOUR + 1)
    await find('one')
    clock.advance(HOUR)
    await assert.rejects(find('one'), { code: 'identity.unavailable' })
    state.down = false
    clock.advance(2_000)
    await find('one')
  })

  it('asks a failing issuer not more than once in two seconds', async () => {
    const { state, clock, find } = jwks()
    state.down = true
    for (let at = 0; at < 20; at++) await assert.rejects(find('one'), { code: 'identity.unavailable' })
    assert.equal(state.loads, 1)
    clock.advance(2_000)
    state.down = false
    await find('one')
  })

  const secret: JWK = { kty: 'oct', k: 'c2VjcmV0', kid: 'one', alg: 'ES256' }
  for (const [what, key] of [
    ['a secret', secret],
    ['a private key', { ...one.jwk, d: 'AAAA' }],
    ['null', null],
    ['text', 'x'],
  ] as const) {
    it(`finds nothing in a set that publishes ${what}`, async () => {
      await assert.rejects(jwks([key]).find('one'), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
    })
  }

  it('does not take a set of a thousand keys', async () => {
    await assert.rejects(jwks(Array.from({ length: 1000 }, () => one.jwk)).find('one'), {
      code: 'identity.unavailable',
    })
  })
})
