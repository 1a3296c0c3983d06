import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LastUse } from '../../src/identity/last-use.ts'

function recorder() {
  const batches: Record<string, number>[] = []
  const problems: unknown[] = []
  const state = { fails: false }
  const store = {
    async touch(uses: ReadonlyMap<string, number>) {
      if (state.fails) throw new Error('down')
      batches.push(Object.fromEntries(uses))
    },
  }
  const lastUse = new LastUse({ store, flushMs: 60_000, onProblem: (error) => problems.push(error) })
  return { lastUse, batches, problems, state }
}

describe('LastUse', () => {
  it('writes many uses as one batch with the last of each key', async () => {
    const { lastUse, batches } = recorder()
    for (let at = 1; at <= 100; at++) lastUse.note(`k${at % 2}`, at)
    assert.deepEqual(batches, [])
    await lastUse.flush()
    await lastUse.flush()
    assert.deepEqual(batches, [{ k1: 99, k0: 100 }])
  })

  it('keeps a batch that could not be written, without going back behind later uses', async () => {
    const { lastUse, batches, problems, state } = recorder()
    state.fails = true
    lastUse.note('a', 1)
    lastUse.note('b', 1)
    const failing = lastUse.flush()
    lastUse.note('b', 2)
    await failing
    assert.equal(problems.length, 1)
    state.fails = false
    await lastUse.close()
    assert.deepEqual(batches, [{ a: 1, b: 2 }])
  })
})
