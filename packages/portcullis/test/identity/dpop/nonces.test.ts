import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import { Nonces } from '../../../src/identity/dpop/nonces.ts'
import { StillClock } from '../still-clock.ts'

const noncesOf = (clock: StillClock, byte = 1) =>
  new Nonces({ key: new Secret<Uint8Array>(new Uint8Array(32).fill(byte)), clock, rotateSeconds: 300 })

describe('Nonces', () => {
  it('are new every few minutes, and good for as long again', () => {
    const clock = new StillClock()
    const nonces = noncesOf(clock)
    const first = nonces.current
    assert.match(first, /^[A-Za-z0-9_-]{22}$/)
    assert.equal(nonces.judge(first), 'current')
    clock.advance(299_999)
    assert.deepEqual([nonces.current, nonces.judge(first)], [first, 'current'])
    clock.advance(1)
    assert.notEqual(nonces.current, first)
    assert.equal(nonces.judge(first), 'previous')
    clock.advance(300_000)
    assert.equal(nonces.judge(first), 'refused')
  })

  it('of another key, or of no key, are refused', () => {
    const clock = new StillClock()
    const nonces = noncesOf(clock)
    for (const nonce of ['', 'x', noncesOf(clock, 2).current, `${nonces.current} `, nonces.current.slice(0, -1)]) {
      assert.equal(nonces.judge(nonce), 'refused', nonce)
    }
  })

  it('do not come before their time', () => {
    const clock = new StillClock()
    const nonces = noncesOf(clock)
    clock.advance(300_000)
    const next = nonces.current
    clock.advance(-300_000)
    assert.equal(nonces.judge(next), 'refused')
  })
})
