import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onceOnly } from '../../src/identity/replays.ts'
import { MemoryReplays } from '../../src/stores/memory/replays.ts'
import { StillClock } from './still-clock.ts'

describe('onceOnly', () => {
  it('keeps digests, and parts apart', async () => {
    const clock = new StillClock()
    const useOnce = onceOnly(new MemoryReplays(), clock)
    assert.equal(await useOnce('dpop', ['a', 'bc'], clock.now() + 1), true)
    assert.equal(await useOnce('dpop', ['ab', 'c'], clock.now() + 1), true)
    assert.equal(await useOnce('dpop', ['a', 'bc'], clock.now() + 1), false)
  })

  it('drops once a minute what has been over for as long, since clocks of nodes differ', async () => {
    const clock = new StillClock()
    const pruned: number[] = []
    const store = { useOnce: async () => true, prune: async (now: number) => pruned.push(now) }
    const useOnce = onceOnly(store, clock)
    await useOnce('dpop', ['a'], 0)
    clock.advance(60_000)
    await Promise.all([useOnce('dpop', ['b'], 0), useOnce('dpop', ['c'], 0)])
    assert.deepEqual(pruned, [clock.now() - 60_000])
  })

  it('refuses rather than forgets when the store is full', async () => {
    const clock = new StillClock()
    const useOnce = onceOnly(new MemoryReplays(1), clock)
    await useOnce('dpop', ['a'], clock.now() + 1)
    await assert.rejects(useOnce('dpop', ['b'], clock.now() + 1), { code: 'identity.unavailable' })
    assert.equal(await useOnce('dpop', ['a'], clock.now() + 1), false)
  })
})
