import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Roster, type Seat } from '../../src/core/roster.ts'

test('a roster holds what a set would hold, whoever leaves in whatever order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), (steps) => {
      const roster = new Roster<number>()
      const seats: Seat<number>[] = []
      const expected = new Set<number>()
      steps.forEach((step, turn) => {
        const leaving = step < seats.length ? seats.splice(step, 1)[0] : undefined
        if (leaving === undefined) {
          seats.push(roster.enter(turn))
          expected.add(turn)
        } else {
          roster.leave(leaving)
          roster.leave(leaving)
          expected.delete(leaving.member)
        }
      })
      assert.deepEqual(new Set(roster.members), expected)
      assert.equal(roster.size, expected.size)
    }),
  )
})

test('members may leave while somebody walks through them', () => {
  const roster = new Roster<string>()
  const seats = ['a', 'b', 'c'].map((name) => roster.enter(name))
  const met: string[] = []
  for (const member of roster.members) {
    met.push(member)
    for (const seat of seats) roster.leave(seat)
  }
  assert.deepEqual(met, ['a', 'b', 'c'])
  assert.equal(roster.size, 0)
})
