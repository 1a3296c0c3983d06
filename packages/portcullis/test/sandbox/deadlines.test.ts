import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Deadlines } from '../../src/sandbox/deadlines.ts'
import type { KillReason } from '../../src/sandbox/driver.ts'

const armed = (limits: ConstructorParameters<typeof Deadlines>[0]) => {
  const expired: KillReason[] = []
  const deadlines = new Deadlines(limits, (reason) => expired.push(reason))
  return { deadlines, expired }
}

it('each clock expires for its own reason', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { expired } = armed({ startMs: 100, lifeMs: 1000, idleMs: 300 })
  t.mock.timers.tick(99)
  assert.deepEqual(expired, [])
  t.mock.timers.tick(1000)
  assert.deepEqual(expired, ['start-deadline', 'idle-deadline', 'life-deadline'])
})

it('a first line stops the clock of the start, and no other', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { deadlines, expired } = armed({ startMs: 100, lifeMs: 1000 })
  deadlines.spoke()
  t.mock.timers.tick(5000)
  assert.deepEqual(expired, ['life-deadline'])
})

it('cleared clocks and clocks that nobody asked for do not expire', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const cleared = armed({ startMs: 20, lifeMs: 20, idleMs: 20 })
  cleared.deadlines.clear()
  const none = armed({})
  none.deadlines.heard()
  t.mock.timers.tick(5000)
  assert.deepEqual([cleared.expired, none.expired], [[], []])
})
