import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { MemoryBlocks } from '../../src/stores/memory/blocks.ts'
import { BlockList } from '../../src/traffic/block-list.ts'

test('a tenant that blocks without end leaves room for all others, and room comes back', async (t) => {
  const list = new BlockList({ store: new MemoryBlocks(), clock: systemClock, pollMs: 500, onProblem: () => {} })
  t.after(() => list.close())
  const block = (tenant: string, value: string) =>
    list.block({ kind: 'key', tenant, value, reason: 'test', source: 'test' })
  for (let count = 0; count < 10_000; count++) await block('a', `key${count}`)
  await assert.rejects(block('a', 'more'), { code: 'administration.conflict' })
  await block('a', 'key0')
  await block('b', 'more')
  await block('', 'more')
  assert.equal(list.size, 10_002)
  await list.remove('key', 'a', 'key1')
  await block('a', 'more')
})

test('a store that is behind what was read is read again, and nothing that holds here is forgotten', async (t) => {
  const [store, behind] = [new MemoryBlocks(), new MemoryBlocks()]
  const list = new BlockList({ store, clock: systemClock, pollMs: 1_000, onProblem: () => {} })
  t.after(() => list.close())
  const entry = (value: string) =>
    ({ kind: 'key', tenant: 'a', value, reason: 'test', source: 'test', untilMs: systemClock.now() + 60_000 }) as const
  for (const value of ['x', 'y']) await store.put(entry(value), systemClock.now())
  await list.start()
  await behind.put(entry('new'), systemClock.now())
  t.mock.method(store, 'since', behind.since.bind(behind))
  await list.refresh()
  assert.equal(list.size, 2)
  await list.refresh(true)
  assert.deepEqual(
    list.list(systemClock.now()).map(({ value }) => value),
    ['x', 'y', 'new'],
  )
})
