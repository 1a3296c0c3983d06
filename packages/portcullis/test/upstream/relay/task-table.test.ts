import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TaskTable } from '../../../src/upstream/relay/task-table.ts'
import { isFault } from '../harness.ts'
import { ALICE, BOB } from './bench.ts'

describe('the table of tasks', () => {
  it('tells a foreign task from an unknown one in no way', () => {
    const table = new TaskTable()
    table.bind('t', ALICE, 'one')
    assert.equal(table.upstreamOf('t', ALICE), 'one')
    assert.deepEqual(
      [table.owns('t', ALICE, 'one'), table.owns('t', ALICE, 'two'), table.owns('t', BOB, 'one')],
      [true, false, false],
    )
    for (const [id, who] of [
      ['t', BOB],
      ['u', ALICE],
      ['t', { ...ALICE, tenant: 'x' }],
      ['__proto__', ALICE],
    ] as const) {
      assert.throws(() => table.upstreamOf(id, who), isFault('message.invalid_params'))
    }
  })

  it('forgets the oldest task of whoever creates too many, and nobody else’s', () => {
    const table = new TaskTable()
    table.bind('bobs', BOB, 'one')
    for (let n = 0; n < 1_500; n++) table.bind(`t${n}`, ALICE, 'one')
    assert.ok(table.owns('bobs', BOB, 'one'))
    assert.deepEqual(
      [table.owns('t499', ALICE, 'one'), table.owns('t500', ALICE, 'one'), table.owns('t1499', ALICE, 'one')],
      [false, true, true],
    )
  })
})
