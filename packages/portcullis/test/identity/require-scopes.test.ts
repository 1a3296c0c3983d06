import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { requireScopes } from '../../src/identity/require-scopes.ts'
import { ScopeDemands } from '../../src/identity/scope-demands.ts'

const demands = new ScopeDemands([
  { scope: 'read', includes: [], upstreams: ['files'], tools: [] },
  { scope: 'write', includes: [], upstreams: [], tools: ['files/write'] },
])
const insufficientScope = (resource: string, scopes: readonly string[]) => `${resource} ${scopes.join(' ')}`
const stage = requireScopes(demands, { insufficientScope })

type Request = Parameters<typeof stage.check>[0]

function request(scopes: readonly string[] | undefined, more: object = {}): Request {
  const route = { kind: 'upstream', upstream: 'files' }
  return { principal: { ...(scopes && { scopes }) }, route, resource: 'R', ...more } as unknown as Request
}

const AGGREGATE = { route: { kind: 'aggregate' } }
const item = (name: string) => ({ upstream: 'files', item: { kind: 'tool', name } })

describe('identity.scopes', () => {
  for (const [what, one] of [
    ['a message with the scope of its upstream', request(['read'])],
    ['a call with all that it needs', request(['read', 'write'], item('write'))],
    ['a call of a tool that needs no more', request(['read'], item('other'))],
    ['a list of the aggregate', request([], { ...AGGREGATE, item: { kind: 'none' } })],
    [
      'a call of the aggregate to an upstream that needs none',
      request([], { ...AGGREGATE, ...item('x'), upstream: 'open' }),
    ],
    ['a credential that has no scopes', request(undefined, item('write'))],
  ] as const) {
    it(`lets ${what} pass`, () => void stage.check(one))
  }

  for (const [what, one, needed] of [
    ['a message without the scope of its upstream', request([]), 'read'],
    ['a stream without it', request(['write']), 'read'],
    ['a call that lacks one of two', request(['read'], item('write')), 'read write'],
    ['a call that lacks the other', request(['write'], item('write')), 'read write'],
    ['a call of the aggregate', request(['write'], { ...AGGREGATE, ...item('write') }), 'read write'],
    ['a prompt', request([], { upstream: 'files', item: { kind: 'prompt', name: 'write' } }), 'read'],
  ] as const) {
    it(`refuses ${what}, and tells the whole set`, () => {
      assert.throws(
        () => stage.check(one),
        (thrown) => {
          assert.ok(thrown instanceof Fault)
          assert.equal(thrown.code, 'identity.insufficient_scope')
          assert.deepEqual(thrown.options.headers, { 'WWW-Authenticate': `R ${needed}` })
          return true
        },
      )
    })
  }
})
