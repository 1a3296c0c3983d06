import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryRateStore } from '../../src/traffic/memory-rate-store.ts'
import { rateStoreContract } from '../contracts/rate-store.contract.ts'
import { clockAt } from './fixtures.ts'

rateStoreContract('memory', async (_context, clock) => new MemoryRateStore(clock))

const RULE = { permits: 1, perSeconds: 60, burst: 1 }

test('memory is bounded whatever the number of keys', () => {
  const store = new MemoryRateStore(clockAt(0), { maxKeys: 100 })
  for (let i = 0; i < 10_000; i++) store.take([{ key: `key ${i}`, cost: 1, rule: RULE }])
  assert(store.size <= 100)
})

test('a key in use is not forgotten while others come and go', () => {
  const store = new MemoryRateStore(clockAt(0), { maxKeys: 100 })
  assert(store.take([{ key: 'mine', cost: 1, rule: RULE }]).allowed)
  for (let i = 0; i < 10_000; i++) {
    store.take([{ key: `key ${i}`, cost: 1, rule: RULE }])
    if (i % 40 === 0) assert(!store.take([{ key: 'mine', cost: 1, rule: RULE }]).allowed)
  }
})
