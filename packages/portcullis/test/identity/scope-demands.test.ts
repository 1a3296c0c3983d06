import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ScopeDemands } from '../../src/identity/scope-demands.ts'

const rule = (scope: string, more: object = {}) => ({ scope, includes: [], upstreams: [], tools: [], ...more })
const demands = new ScopeDemands([
  rule('all', { includes: ['files', 'mail'] }),
  rule('files', { includes: ['files:read', 'files:write'] }),
  rule('files:read', { upstreams: ['files'] }),
  rule('files:write', { tools: ['files/write_*', 'files/*delete*'] }),
  rule('mail', { upstreams: ['mail'], includes: ['all'] }),
])

describe('ScopeDemands', () => {
  it('demands of a call what its upstream and its tool need', () => {
    assert.deepEqual(demands.ofUpstream('files'), ['files:read'])
    assert.deepEqual(demands.ofTool('files', 'read_file'), ['files:read'])
    assert.deepEqual(demands.ofTool('files', 'write_file'), ['files:read', 'files:write'])
    assert.deepEqual(demands.ofTool('files', 'bulk_delete'), ['files:read', 'files:write'])
    assert.deepEqual(demands.ofTool('mail', 'write_file'), ['mail'])
    assert.deepEqual(demands.ofUpstream('open'), [])
    assert.deepEqual(demands.ofAll(['files', 'mail', 'files', 'open']), ['files:read', 'mail'])
  })

  for (const [granted, needed, holds] of [
    [[], [], true],
    [[], ['files:read'], false],
    [['files:read'], ['files:read'], true],
    [['files:read'], ['files:read', 'files:write'], false],
    [['files'], ['files:read', 'files:write'], true],
    [['all'], ['files:write', 'mail'], true],
    [['mail'], ['files:write'], true],
    [['files:read', 'files:write'], ['files'], false],
    [['FILES'], ['files'], false],
    [['files:'], ['files:read'], false],
    [['*'], ['files:read'], false],
    [['constructor', '__proto__'], ['files:read'], false],
  ] as const) {
    it(`[${granted.join(' ')}] ${holds ? 'holds' : 'does not hold'} [${needed.join(' ')}]`, () => {
      assert.equal(demands.holds(granted, needed), holds)
    })
  }

  for (const scope of ['', 'a b', 'a"b', 'ä']) {
    it(`refuses the scope ${JSON.stringify(scope)}`, () => {
      assert.throws(() => new ScopeDemands([rule(scope)]), TypeError)
      assert.throws(() => new ScopeDemands([rule('a', { includes: [scope] })]), TypeError)
    })
  }

  it('matches stars as a regular expression does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '_'), maxLength: 8 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '_', '*'), minLength: 1, maxLength: 6 })
    const property = fc.property(pattern, text, (stars, tool) => {
      const one = new ScopeDemands([rule('s', { tools: [`u/${stars}`] })])
      const expected = new RegExp(`^${stars.replaceAll('*', '.*')}$`).test(tool)
      assert.equal(one.ofTool('u', tool).length === 1, expected, `${stars} ${tool}`)
    })
    fc.assert(property, { numRuns: 2_000 })
  })
})
