import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { configSchema } from '../../src/config/schema.ts'
import type { Config } from '../../src/config/schema.ts'
import type { Principal } from '../../src/core/principal.ts'
import { ownerOf, scopeOf } from '../../src/gateway/scope.ts'

const config = configSchema.parse({
  version: 1,
  state: 's',
  upstreams: {
    each: { stdio: { command: 'x' } },
    tenant: { stdio: { command: 'x', process: 'per-tenant' } },
    all: { stdio: { command: 'x', process: 'shared' } },
  },
}) as Config
const principal = (tenant: string, id: string): Principal => ({
  ...{ tenant, id, roles: [] },
  credential: { kind: 'api-key', id: 'k' },
})

test('a scope says whose it is, whatever is in the names', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (tenant, id) => {
      const who = principal(tenant, id)
      assert.deepEqual(ownerOf(scopeOf(config, who, 'each')), { tenant, scope: 'principal', principal: id })
      assert.deepEqual(ownerOf(scopeOf(config, who, 'tenant')), { tenant, scope: 'tenant' })
      assert.deepEqual(ownerOf(scopeOf(config, who, 'all')), { tenant: '@gateway', scope: 'shared' })
    }),
  )
})

test('two principals never have one scope, whatever their names are', () => {
  fc.assert(
    fc.property(fc.tuple(fc.string(), fc.string()), fc.tuple(fc.string(), fc.string()), (one, other) => {
      fc.pre(one.join('\0') !== other.join('\0'))
      assert.notEqual(scopeOf(config, principal(...one), 'each'), scopeOf(config, principal(...other), 'each'))
    }),
  )
})

test('every other scope is of the gateway itself', () => {
  for (const scope of ['gateway', 'warm', ''])
    assert.deepEqual(ownerOf(scope), { tenant: '@gateway', scope: 'gateway' }, scope)
})
