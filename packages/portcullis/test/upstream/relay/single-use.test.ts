import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../../src/core/fault.ts'
import { SingleUse } from '../../../src/upstream/relay/single-use.ts'

function tickets(max = 10, maxEach = 3) {
  const clock = { at: 0, now: () => clock.at }
  return { clock, all: new SingleUse(clock, 1_000, max, maxEach) }
}
const isFull = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === 'limits.concurrency'

test('a ticket is good once', () => {
  const { all } = tickets()
  const ticket = all.issue('a')
  assert.equal(all.take(ticket), true)
  assert.equal(all.take(ticket), false)
  assert.equal(all.take('invented'), false)
})

test('a ticket is good until its time is over', () => {
  const { all, clock } = tickets()
  const ticket = all.issue('a')
  clock.at = 999
  const later = all.issue('a')
  clock.at = 1_000
  assert.equal(all.take(ticket), false)
  assert.equal(all.take(later), true)
})

test('one owner cannot have too many, and others still can', () => {
  const { all } = tickets()
  const mine = [all.issue('a'), all.issue('a'), all.issue('a')]
  assert.throws(() => all.issue('a'), isFull)
  all.issue('b')
  assert.equal(all.take(mine[0] as string), true)
  all.issue('a')
})

test('all together cannot have too many until some are over', () => {
  const { all, clock } = tickets(4, 4)
  for (const owner of ['a', 'b', 'c', 'd']) all.issue(owner)
  assert.throws(() => all.issue('e'), isFull)
  clock.at = 1_000
  all.issue('e')
})
