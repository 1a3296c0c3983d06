import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../../src/mcp/call.ts'
import { digestOf } from '../../src/mcp/canonical.ts'
import { argumentsDigest, tenantOf } from '../../src/audit/facts.ts'
import { knownFacts, newExchange } from './fixtures.ts'

const call = (facts: object): Call => ({ ...knownFacts.call, ...facts })

const DIGESTS: ReadonlyArray<readonly [title: string, call: Call, covered: unknown]> = [
  [
    'of a tool are its arguments',
    call({ params: { name: 'x', arguments: { b: 1, a: 2 }, _meta: {} } }),
    { a: 2, b: 1 },
  ],
  ['that are left out are those that are empty', call({ params: { name: 'x' } }), {}],
  [
    'of another method are its parameters without _meta',
    call({ method: 'resources/read', params: { uri: 'u', _meta: { a: 1 } } }),
    { uri: 'u' },
  ],
  ['of a method without parameters are empty', call({ method: 'ping', params: {} }), {}],
  [
    'of a response are its result',
    call({ kind: 'response', method: '', message: { jsonrpc: '2.0', id: 1, result: { r: 1 } } }),
    { r: 1 },
  ],
  [
    'of an error response are its error',
    call({ kind: 'response', method: '', message: { jsonrpc: '2.0', id: 1, error: { code: 1 } } }),
    { code: 1 },
  ],
]

for (const [title, given, covered] of DIGESTS) {
  test(`the arguments ${title}`, () => assert.equal(argumentsDigest(given), digestOf(covered)))
}

test('the chain is that of the principal, and that of the gateway while nobody is known', () => {
  assert.equal(tenantOf(newExchange(knownFacts)), 'acme')
  assert.equal(tenantOf(newExchange()), '@gateway')
})
