import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Slots, type SlotRules, type Ticket } from '../../src/limits/slots.ts'

const RULES: SlotRules = { maxTotal: 3, maxPerPrincipal: 2, reserved: 1, maxQueued: 4, maxQueuedPerPrincipal: 2 }

function ticketOf(principal: string, admitted: string[], administrator = false): Ticket {
  return { principal, administrator, admitted: () => admitted.push(principal) }
}

test('slots are bounded in total and for each principal', () => {
  const slots = new Slots({ ...RULES, reserved: 0 })
  assert.deepEqual(
    ['a', 'a', 'a', 'b', 'b'].map((principal) => slots.take(principal, false)),
    [true, true, false, true, false],
  )
  slots.release('a')
  assert.equal(slots.take('b', false), true)
})

test('administrators find the reserve free when everybody else has filled the rest', () => {
  const slots = new Slots(RULES)
  assert.deepEqual([slots.take('a', false), slots.take('b', false), slots.take('c', false)], [true, true, false])
  assert.equal(slots.take('root', true), true)
})

test('those who wait are served in turn by principal', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0 })
  const admitted: string[] = []
  slots.take('x', false)
  for (const principal of ['a', 'a', 'b', 'c']) assert.equal(slots.enqueue(ticketOf(principal, admitted)), true)
  for (const holder of ['x', 'a', 'b', 'c']) slots.release(holder)
  assert.deepEqual(admitted, ['a', 'b', 'c', 'a'])
})

test('one whose own limit is reached is passed over', () => {
  const slots = new Slots({ ...RULES, maxTotal: 2, maxPerPrincipal: 1, reserved: 0 })
  const admitted: string[] = []
  slots.take('a', false)
  slots.take('b', false)
  slots.enqueue(ticketOf('a', admitted))
  slots.enqueue(ticketOf('c', admitted))
  slots.release('b')
  assert.deepEqual(admitted, ['c'])
})

test('the queue is bounded in total and for each principal', () => {
  const slots = new Slots(RULES)
  const results = ['a', 'a', 'a', 'b', 'b', 'c'].map((principal) => slots.enqueue(ticketOf(principal, [])))
  assert.deepEqual(results, [true, true, false, true, true, false])
})

test('a ticket that left is not admitted, and leaving twice changes nothing', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0 })
  const admitted: string[] = []
  slots.take('x', false)
  const ticket = ticketOf('a', admitted)
  slots.enqueue(ticket)
  slots.leave(ticket)
  slots.leave(ticket)
  slots.release('x')
  assert.deepEqual([admitted, slots.used, slots.queued], [[], 0, 0])
})

for (const bad of [{ maxTotal: 0 }, { maxPerPrincipal: 0 }, { reserved: 3 }, { reserved: -1 }]) {
  test(`rules with ${JSON.stringify(bad)} are refused`, () => {
    assert.throws(() => new Slots({ ...RULES, ...bad }), RangeError)
  })
}

test('whatever happens, limits hold, nobody is forgotten and all slots come back', () => {
  const step = fc.record({ act: fc.constantFrom('enter', 'release', 'leave'), who: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slots = new Slots({ ...RULES, reserved: 0 })
      const held: string[] = []
      const waiting: Ticket[] = []
      for (const { act, who } of steps) {
        if (act === 'enter' && slots.take(who, false)) held.push(who)
        else if (act === 'enter') {
          const ticket: Ticket = {
            principal: who,
            administrator: false,
            admitted: () => {
              held.push(who)
              waiting.splice(waiting.indexOf(ticket), 1)
            },
          }
          if (slots.enqueue(ticket)) waiting.push(ticket)
        } else if (act === 'leave') {
          const ticket = waiting.shift()
          if (ticket) slots.leave(ticket)
        } else if (held.includes(who)) {
          held.splice(held.indexOf(who), 1)
          slots.release(who)
        }
        assert.deepEqual([slots.used, slots.queued], [held.length, waiting.length])
        assert.ok(held.length <= 3)
        for (const principal of held) assert.ok(held.filter((other) => other === principal).length <= 2)
      }
      while (held.length > 0) slots.release(held.pop() as string)
      assert.deepEqual([slots.used, waiting.length], [0, 0])
    }),
  )
})
