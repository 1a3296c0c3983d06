import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createIdentities, upstreamIdentity } from '../../src/sandbox/identity.ts'

it('root gives each launch an account of its own, away from those of the upstreams', () => {
  const identities = createIdentities(0)
  const given = [identities(undefined), identities(undefined)]
  assert.equal(new Set(given.map((identity) => identity?.uid)).size, 2)
  for (const identity of given)
    assert.ok(identity !== undefined && identity.uid >= 200_000 && identity.uid !== upstreamIdentity(0).uid)
})

it('root takes the account that is asked for', () => {
  assert.deepEqual(createIdentities(0)(upstreamIdentity(3)), { uid: 200_003, gid: 200_003 })
})

it('anybody else stays who he is', () => {
  assert.equal(createIdentities(1000)(undefined), undefined)
  assert.equal(createIdentities(1000)({ uid: 1000, gid: 1000 }), undefined)
  assert.throws(() => createIdentities(1000)({ uid: 1001, gid: 1001 }), { code: 'sandbox.start_failed' })
})

for (const runAs of [
  { uid: 0, gid: 5 },
  { uid: 5, gid: 0 },
  { uid: -1, gid: 5 },
  { uid: 1.5, gid: 5 },
  { uid: 2 ** 32 - 1, gid: 5 },
]) {
  it(`refuses ${JSON.stringify(runAs)}`, () => {
    assert.throws(() => createIdentities(0)(runAs), { code: 'sandbox.start_failed' })
  })
}

it('a slot out of range is our own mistake', () => {
  for (const slot of [-1, 1.5, 65_536]) assert.throws(() => upstreamIdentity(slot), { code: 'internal' })
})
