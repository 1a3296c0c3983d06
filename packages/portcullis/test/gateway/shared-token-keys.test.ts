/** With which keys several gateways sign: with the same, made once and renewed once. */
import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import { sharedNonceKey, sharedTokenKeys } from '../../src/gateway/shared-token-keys.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { testKeys } from '../fixtures/keys.ts'
import { storeFile } from '../stores/store-file.ts'

const DAY_MS = 86_400_000

function nodes(t: TestContext) {
  let [now, puts] = [1_000, 0]
  let kept: string | undefined
  const vault = {
    get: async () => (kept === undefined ? undefined : { value: new Secret(kept), revision: '1' }),
    put: async (_name: unknown, value: Secret) => {
      kept = value.reveal()
      return String(++puts)
    },
  }
  const { turns } = openMemoryStores()
  const parts = { vault, turns, clock: { now: () => now } }
  return {
    all: () => Promise.all(Array.from({ length: 20 }, () => sharedTokenKeys(parts, { rotateMs: DAY_MS }))),
    /** As if the node that has the turn were held up for so long that another one got it. */
    holdUp: () => {
      const keep = t.mock.method(turns, 'keep', async () => {
        keep.mock.restore()
        return false
      })
    },
    spoil: () => (kept = '{}'),
    pass: (ms: number) => (now += ms),
    puts: () => puts,
  }
}

describe('the keys of the authorization servers', () => {
  it('are made by one of 20 nodes that start at once, and renewed by one', async (t) => {
    const { all, pass, puts } = nodes(t)
    const first = await all()
    assert.equal(new Set(first.map((keys) => JSON.stringify(keys))).size, 1)
    assert.equal(puts(), 1)
    pass(DAY_MS)
    const second = await all()
    assert.equal(new Set(second.map((keys) => JSON.stringify(keys))).size, 1)
    assert.equal(puts(), 2)
    assert.deepEqual(second[0]?.signing[1], first[0]?.signing[0], 'what was signed before is still good')
    assert.equal(second[0]?.cookies, first[0]?.cookies)
  })

  it('are not written by a node whose turn has run out: it looks again', async (t) => {
    const { all, holdUp, puts } = nodes(t)
    holdUp()
    const keys = await all()
    assert.equal(new Set(keys.map((one) => JSON.stringify(one))).size, 1)
    assert.equal(puts(), 1)
  })

  it('are not replaced when what is kept of them is damaged', async (t) => {
    const { all, spoil, puts } = nodes(t)
    await all()
    spoil()
    await assert.rejects(all(), { name: 'PkiError' })
    assert.equal(puts(), 1)
  })
})

describe('the key of the nonces', () => {
  it('is the same on nodes with one key-encryption key, and stays when another data key seals', async (t) => {
    const stores = openMemoryStores()
    const folder = dirname(storeFile(t))
    const [one, other] = [testKeys(stores, folder, systemClock), testKeys(stores, folder, systemClock)]
    const [first, second] = await Promise.all([one, other].map(({ keyring }) => sharedNonceKey(keyring)))
    assert.ok(first)
    assert.deepEqual(second?.reveal(), first.reveal())
    await one.keyring.rotate('@gateway')
    assert.deepEqual((await sharedNonceKey(other.keyring))?.reveal(), first.reveal())
  })

  it('is had by no node with another key-encryption key', async (t) => {
    const stores = openMemoryStores()
    await sharedNonceKey(testKeys(stores, dirname(storeFile(t)), systemClock).keyring)
    await assert.rejects(sharedNonceKey(testKeys(stores, dirname(storeFile(t)), systemClock).keyring))
  })
})
