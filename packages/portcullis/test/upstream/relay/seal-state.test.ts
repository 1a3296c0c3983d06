import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Secret } from '../../../src/core/secret.ts'
import { StateSeal } from '../../../src/upstream/relay/seal-state.ts'
import { isFault } from '../harness.ts'
import { ALICE, BOB } from './bench.ts'

const time = { at: 1_000 }
const clock = { now: () => time.at }
const seal = new StateSeal(new Secret(Buffer.alloc(32, 1)), 500, clock)
const params = fc.dictionary(fc.string(), fc.jsonValue())

describe('the seal of request states', () => {
  it('gives back what was sealed, for the same request in any order of its members', () => {
    fc.assert(
      fc.property(fc.string(), params, (state, given) => {
        const sealed = seal.seal({ upstream: 'one', state }, ALICE, 'tools/call', given)
        const same = Object.fromEntries(Object.entries(given).reverse())
        const retry = { ...same, requestState: sealed, inputResponses: { a: {} }, _meta: { progressToken: 1 } }
        const { requestState: _s, inputResponses: _r, _meta, ...rest } = given
        const opened = seal.open(sealed, ALICE, 'tools/call', { ...rest, ...retry })
        assert.deepEqual([opened.upstream, opened.state], ['one', state])
        assert.ok(state.length < 4 || !sealed.includes(state))
      }),
    )
  })

  it('opens for no other principal, method or request', () => {
    const sealed = seal.seal({ upstream: 'one', state: 's' }, ALICE, 'tools/call', {
      name: 'a',
      arguments: { x: { b: 1 } },
    })
    const same = { name: 'a', arguments: { x: { b: 1 } } }
    const attempts = [
      [BOB, 'tools/call', same],
      [{ ...ALICE, tenant: 'other' }, 'tools/call', same],
      [ALICE, 'prompts/get', same],
      [ALICE, 'tools/call', { ...same, name: 'b' }],
      [ALICE, 'tools/call', { ...same, more: null }],
      // What a careless canonical form could take for the same.
      [ALICE, 'tools/call', { name: 'a', arguments: { x: [['b', 1]] } }],
      [ALICE, 'tools/call', { name: 'a', arguments: [['x', { b: 1 }]] }],
    ] as const
    for (const [principal, method, request] of attempts) {
      assert.throws(
        () => seal.open(sealed, principal, method, request),
        isFault('state.invalid'),
        JSON.stringify(request),
      )
    }
  })

  it('opens no spelling but its own', () => {
    const sealed = seal.seal({ upstream: 'one', state: 's' }, ALICE, 'tools/call', {})
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(sealed[at] !== character)
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1)
        assert.throws(() => seal.open(changed, ALICE, 'tools/call', {}), isFault('state.invalid'))
      }),
    )
    for (const other of [`${sealed}=`, ` ${sealed}`, `${sealed}\n`, sealed.slice(0, -1), '', 'x', 7, null, {}]) {
      assert.throws(() => seal.open(other, ALICE, 'tools/call', {}), isFault('state.invalid'))
    }
    fc.assert(
      fc.property(fc.string(), (junk) =>
        assert.throws(() => seal.open(junk, ALICE, 'm', {}), isFault('state.invalid')),
      ),
    )
  })

  it('opens for a short time, and for the same gateway only', () => {
    const sealed = seal.seal({ upstream: 'one' }, ALICE, 'm', {})
    const other = new StateSeal(new Secret(Buffer.alloc(32, 2)), 500, clock)
    assert.throws(() => other.open(sealed, ALICE, 'm', {}), isFault('state.invalid'))
    time.at += 499
    assert.equal(seal.open(sealed, ALICE, 'm', {}).upstream, 'one')
    time.at += 1
    assert.throws(() => seal.open(sealed, ALICE, 'm', {}), isFault('state.expired'))
  })
})
