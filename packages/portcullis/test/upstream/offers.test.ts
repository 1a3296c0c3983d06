/** When the lists of an upstream are asked for again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIT_ALL } from '../../src/upstream/judge.ts'
import { Offers } from '../../src/upstream/offers.ts'

test('a change that is announced while the lists are read has them read again', async () => {
  let reads = 0
  let announce = (): void => {}
  const offers = new Offers({
    judge: ADMIT_ALL,
    clock: { now: () => 0 },
    limits: { maxPages: 1, maxItems: 1 },
    ttlSeconds: 60,
    capabilities: async () => ({ prompts: {} }),
    page: async () => {
      reads++
      announce()
      return { prompts: [] }
    },
  })
  announce = () => offers.expire()
  await offers.ready()
  announce = () => {}
  await offers.ready()
  assert.equal(reads, 2)
  await offers.ready()
  assert.equal(reads, 2, 'and then no more')
})

test('what principals were told has the lists read again, and not more than once a second', async () => {
  let reads = 0
  let now = 0
  const offers = new Offers({
    judge: ADMIT_ALL,
    clock: { now: () => now },
    limits: { maxPages: 1, maxItems: 1 },
    ttlSeconds: 60,
    capabilities: async () => ({ prompts: {} }),
    page: async () => {
      reads++
      return { prompts: [] }
    },
  })
  for (const [at, wanted] of [
    [0, 1],
    [10, 1],
    [1_000, 2],
    [1_999, 2],
    [2_000, 3],
  ] as const) {
    now = at
    offers.doubt()
    await offers.ready()
    assert.equal(reads, wanted, `after ${at} ms`)
  }
})
