import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { AlarmClock } from '../../src/core/alarm-clock.ts'

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }))
afterEach(() => mock.timers.reset())

function newClock() {
  const rung: string[] = []
  const clock = new AlarmClock(() => Date.now())
  return { clock, rung, set: (ms: number, name: string) => clock.set(ms, () => rung.push(name)) }
}

test('alarms ring when they are due and not before, in whatever order they were set', () => {
  const { set, rung } = newClock()
  set(300, 'late')
  set(100, 'early')
  set(200, 'middle')
  mock.timers.tick(99)
  assert.deepEqual(rung, [])
  mock.timers.tick(1)
  assert.deepEqual(rung, ['early'])
  mock.timers.tick(100)
  mock.timers.tick(100)
  assert.deepEqual(rung, ['early', 'middle', 'late'])
})

test('a cancelled alarm stays silent, also when another one cancels it by ringing', () => {
  const { clock, set, rung } = newClock()
  clock.cancel(set(100, 'cancelled'))
  clock.set(50, () => clock.cancel(victim))
  const victim = set(50, 'cancelled by another')
  set(100, 'kept')
  mock.timers.tick(50)
  mock.timers.tick(50)
  assert.deepEqual(rung, ['kept'])
})

test('an alarm may set another one', () => {
  const { clock, set, rung } = newClock()
  clock.set(10, () => set(10, 'second'))
  mock.timers.tick(10)
  mock.timers.tick(10)
  assert.deepEqual(rung, ['second'])
})

test('an alarm beyond the longest timer does not ring early', () => {
  const { set, rung } = newClock()
  set(2 ** 31 + 1000, 'in 24 days')
  mock.timers.tick(2 ** 31 - 1)
  assert.deepEqual(rung, [])
  mock.timers.tick(1001)
  assert.deepEqual(rung, ['in 24 days'])
})
