import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { credentialDigest } from '../../src/identity/api-key.ts'
import { ApiKeyLifecycle } from '../../src/identity/api-key-lifecycle.ts'
import type { Revocation } from '../../src/identity/revocation-store.ts'
import { MemoryApiKeys } from '../../src/stores/memory/api-keys.ts'
import { StillClock } from './still-clock.ts'

function lifecycle() {
  const store = new MemoryApiKeys()
  const clock = new StillClock()
  const news: Revocation[] = []
  const revocations = { revoke: async (revocation: Revocation) => void news.push(revocation) }
  return {
    store,
    clock,
    news,
    keys: new ApiKeyLifecycle({ store, clock, revocations, random: randomBytes, environment: 'test' }),
  }
}

const REQUEST = { tenant: 'acme', name: 'ci', roles: ['reader'] }

describe('ApiKeyLifecycle', () => {
  it('issues a key of which only the digest is stored', async () => {
    const { keys, store, clock } = lifecycle()
    const { key, record } = await keys.issue({ ...REQUEST, upstreams: ['files'] })
    assert.match(key.reveal(), /^pcl_test_/)
    assert.deepEqual(await store.findByDigest(credentialDigest(key.reveal())), record)
    assert.equal(record.principal, `key:${record.id}`)
    assert.equal(record.createdAt, clock.now())
    assert.ok(!JSON.stringify(await keys.list('acme')).includes(key.reveal().slice(9)))
  })

  const BAD = [
    ['without a tenant', { ...REQUEST, tenant: '' }],
    ['without a name', { ...REQUEST, name: '' }],
    ['with a name without end', { ...REQUEST, name: 'x'.repeat(201) }],
    ['that has expired', { ...REQUEST, expiresAt: 1 }],
    ['that expires at no instant', { ...REQUEST, expiresAt: Number.NaN }],
  ] as const
  for (const [what, request] of BAD) {
    it(`issues no key ${what}`, async () => {
      const { keys } = lifecycle()
      await assert.rejects(keys.issue(request))
      assert.deepEqual(await keys.list(request.tenant), [])
    })
  }

  it('rotates into a key of the same principal and ends the old one after the overlap, everywhere', async () => {
    const { keys, clock, news } = lifecycle()
    const first = await keys.issue(REQUEST)
    const second = await keys.rotate('acme', first.record.id, { overlapSeconds: 60 })
    assert.equal(second?.record.principal, first.record.principal)
    assert.notEqual(second?.key.reveal(), first.key.reveal())
    const endsAt = clock.now() + 60_000
    assert.equal((await keys.list('acme')).find((key) => key.id === first.record.id)?.expiresAt, endsAt)
    assert.deepEqual(
      news.map(({ kind, id, from }) => ({ kind, id, from })),
      [{ kind: 'key', id: first.record.id, from: endsAt }],
    )
  })

  it('rotates a key once', async () => {
    const { keys } = lifecycle()
    const { record } = await keys.issue(REQUEST)
    const made = await Promise.all([1, 2, 3].map(() => keys.rotate('acme', record.id, { overlapSeconds: 0 })))
    assert.equal(made.filter((issued) => issued !== undefined).length, 1)
  })

  it('rotates no key of another tenant, and publishes nothing', async () => {
    const { keys, news } = lifecycle()
    const { record } = await keys.issue(REQUEST)
    assert.equal(await keys.rotate('rival', record.id, { overlapSeconds: 0 }), undefined)
    assert.deepEqual(news, [])
  })

  for (const overlapSeconds of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`rotates with no overlap of ${overlapSeconds} seconds`, async () => {
      const { keys } = lifecycle()
      const { record } = await keys.issue(REQUEST)
      await assert.rejects(keys.rotate('acme', record.id, { overlapSeconds }), RangeError)
      assert.equal((await keys.list('acme')).length, 1)
    })
  }

  it('revokes at once and publishes it, and a second try publishes again', async () => {
    const { keys, clock, news } = lifecycle()
    const { record } = await keys.issue(REQUEST)
    assert.equal(await keys.revoke('acme', record.id, 'lost'), true)
    assert.equal(await keys.revoke('acme', record.id, 'lost'), false)
    assert.equal((await keys.list('acme'))[0]?.revokedAt, clock.now())
    assert.deepEqual(
      news.map((entry) => entry.id),
      [record.id, record.id],
    )
  })
})
