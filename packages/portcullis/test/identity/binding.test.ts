import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bindingOf, boundBy } from '../../src/identity/binding.ts'

const THUMBPRINT = 'A'.repeat(43)

describe('bindingOf', () => {
  it('finds none in a bearer token', () => assert.equal(bindingOf(undefined), undefined))

  for (const [cnf, binding, bound] of [
    [{ jkt: THUMBPRINT }, { jkt: THUMBPRINT }, 'key'],
    [{ 'x5t#S256': THUMBPRINT }, { x5t: THUMBPRINT }, 'certificate'],
    [{ jkt: THUMBPRINT, 'x5t#S256': THUMBPRINT }, { jkt: THUMBPRINT, x5t: THUMBPRINT }, 'key-and-certificate'],
  ] as const) {
    it(`reads ${Object.keys(cnf).join(' and ')}`, () => {
      assert.deepEqual(bindingOf(cnf), binding)
      assert.equal(boundBy(binding), bound)
    })
  }

  const BAD: readonly unknown[] = [
    ...[null, true, 'x', 7, [], {}],
    { jkt: 'short' },
    { jkt: `${THUMBPRINT}=` },
    { jkt: ['a'] },
    { jkt: undefined },
    { kid: 'x' },
    { jwk: {} },
    { jku: 'https://evil.example' },
    { 'x5t#S1': THUMBPRINT },
    { jkt: THUMBPRINT, kid: 'x' },
    JSON.parse(`{"__proto__":{"jkt":"${THUMBPRINT}"}}`),
  ]
  for (const cnf of BAD) {
    it(`refuses ${JSON.stringify(cnf)}`, () => {
      assert.throws(() => bindingOf(cnf), { name: 'Fault', code: 'identity.invalid_token' })
    })
  }
})
