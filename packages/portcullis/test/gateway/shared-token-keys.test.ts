/** With which keys several gateways sign: with the same, made once and renewed once. */
import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import { sharedNonceKey, sharedTokenKeys } from '../../src/gateway/shared-token-keys.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { testKeys } from '../fixtures/keys.ts'
import { storeFile } from '../stores/store-file.ts'

const DAY_MS = 86_400_000

function nodes() {
  let [now, puts] = [1_000, 0]
  let kept: string | undefined
  const vault = {
    get: async () => (kept === undefined ? undefined : { value: new Secret(kept), revision: '1' }),
    put: async (_name: unknown, value: Secret) => {
      kept = value.reveal()
      return String(++puts)
    },
  }
  const parts = { vault, turns: openMemoryStores().turns, clock: { now: () => now } }
  return {
    all: () => Promise.all(Array.from({ length: 20 }, () => sharedTokenKeys(parts, { rotateMs: DAY_MS }))),
    spoil: () => (kept = '{}'),
    pass: (ms: number) => (now += ms),
    puts: () => puts,
  }
}

describe('the keys of the authorization servers', () => {
  it('are made by one of 20 nodes that start at once, and renewed by one', async () => {
    const { all, pass, puts } = nodes()
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

  it('are not replaced when what is kept of them is damaged', async () => {
    const { all, spoil, puts } = nodes()
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
