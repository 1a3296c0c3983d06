import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { atEndOfTurn } from '../../src/core/end-of-turn.ts'

describe('what leaves at the end of a turn', () => {
  it('is nothing before, and then everything in the order in which it was decided', async () => {
    const sent: number[] = []
    for (const n of [1, 2, 3]) atEndOfTurn({ flush: () => void sent.push(n) })
    await Promise.resolve()
    assert.deepEqual(sent, [])
    await setImmediate()
    assert.deepEqual(sent, [1, 2, 3])
  })

  it('leaves what is decided while others leave for the next turn', async () => {
    const sent: number[] = []
    atEndOfTurn({ flush: () => atEndOfTurn({ flush: () => void sent.push(2) }) })
    await setImmediate()
    assert.deepEqual(sent, [])
    await setImmediate()
    assert.deepEqual(sent, [2])
  })
})
