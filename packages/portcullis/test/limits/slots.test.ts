import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Slots, type SlotRules, type Ticket } from '../../src/limits/slots.ts'

const RULES: SlotRules = { maxTotal: 3, maxPerPrincipal: 2, reserved: 1, maxQueued: 4, maxQueuedPerPrincipal: 2 }

const by = (principal: string, tenant = 't') => ({ tenant, principal })

function ticketOf(principal: string, admitted: string[], administrator = false): Ticket {
  return { ...by(principal), administrator, admitted: () => admitted.push(principal), displaced: () => {} }
}

test('slots are bounded in total and for each principal', () => {
  const slots = new Slots({ ...RULES, reserved: 0 })
  assert.deepEqual(
    ['a', 'a', 'a', 'b', 'b'].map((principal) => slots.take(by(principal), false)),
    [true, true, false, true, false],
  )
  slots.release(by('a'))
  assert.equal(slots.take(by('b'), false), true)
})

test('administrators find the reserve free when everybody else has filled the rest', () => {
  const slots = new Slots(RULES)
  assert.deepEqual(
    [slots.take(by('a'), false), slots.take(by('b'), false), slots.take(by('c'), false)],
    [true, true, false],
  )
  assert.equal(slots.take(by('root'), true), true)
})

test('those who wait are served in turn by principal', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0 })
  const admitted: string[] = []
  slots.take(by('x'), false)
  for (const principal of ['a', 'a', 'b', 'c']) assert.equal(slots.enqueue(ticketOf(principal, admitted)), true)
  for (const holder of ['x', 'a', 'b', 'c']) slots.release(by(holder))
  assert.deepEqual(admitted, ['a', 'b', 'c', 'a'])
})

test('those who wait are served in turn by tenant, however many principals a tenant has', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0, maxQueued: 10 })
  const admitted: string[] = []
  slots.take(by('x'), false)
  const waiting = [by('a1', 'a'), by('a2', 'a'), by('a3', 'a'), by('a1', 'a'), by('b1', 'b'), by('b1', 'b')]
  for (const holder of waiting) {
    const name = holder.principal
    slots.enqueue({ ...holder, administrator: false, admitted: () => admitted.push(name), displaced: () => {} })
  }
  slots.release(by('x'))
  while (slots.used > 0) {
    const name = admitted.at(-1) as string
    slots.release(by(name, name.charAt(0)))
  }
  assert.deepEqual(admitted, ['a1', 'b1', 'a2', 'b1', 'a3', 'a1'])
})

test('a full queue has room for a tenant and for a principal that wait less, and whoever waits most gives way', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0, maxQueued: 6, maxQueuedPerPrincipal: 4 })
  slots.take(by('x'), false)
  const gone: string[] = []
  const wait = (name: string, administrator = false) =>
    slots.enqueue({
      ...{ ...by(name, name.charAt(0)), administrator },
      ...{ admitted: () => {}, displaced: () => gone.push(name) },
    })
  for (const name of ['a1', 'a1', 'a1', 'a2', 'a2', 'a3']) assert.equal(wait(name), true)
  assert.deepEqual([wait('a1'), wait('a2'), wait('a3'), gone], [false, false, true, ['a1']], 'by principal in a tenant')
  assert.deepEqual([wait('b1'), wait('b1'), wait('b1'), wait('b1')], [true, true, true, false], 'by tenant')
  assert.deepEqual([gone.filter((name) => name.startsWith('b')), gone.length, slots.queued], [[], 4, 6])
})

test('slots that come back at once admit all who fit, and fewer slots end nothing', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0, maxPerPrincipal: 5 })
  const admitted: string[] = []
  slots.take(by('x'), false)
  for (const principal of ['a', 'b', 'c']) slots.enqueue(ticketOf(principal, admitted))
  slots.resize(3)
  assert.deepEqual([admitted, slots.used, slots.queued], [['a', 'b'], 3, 1])
  slots.resize(0)
  assert.equal(slots.used, 3)
  slots.release(by('a'))
  assert.deepEqual([slots.used, slots.queued], [2, 1])
})

test('one whose own limit is reached is passed over', () => {
  const slots = new Slots({ ...RULES, maxTotal: 2, maxPerPrincipal: 1, reserved: 0 })
  const admitted: string[] = []
  slots.take(by('a'), false)
  slots.take(by('b'), false)
  slots.enqueue(ticketOf('a', admitted))
  slots.enqueue(ticketOf('c', admitted))
  slots.release(by('b'))
  assert.deepEqual(admitted, ['c'])
})

test('the queue is bounded in total and for each principal', () => {
  const slots = new Slots(RULES)
  const results = ['a', 'a', 'a', 'b', 'b', 'c'].map((principal) => slots.enqueue(ticketOf(principal, [])))
  assert.deepEqual([results, slots.queued], [[true, true, false, true, true, true], 4])
})

test('a ticket that left is not admitted, and leaving twice changes nothing', () => {
  const slots = new Slots({ ...RULES, maxTotal: 1, reserved: 0 })
  const admitted: string[] = []
  slots.take(by('x'), false)
  const ticket = ticketOf('a', admitted)
  slots.enqueue(ticket)
  slots.leave(ticket)
  slots.leave(ticket)
  slots.release(by('x'))
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
        if (act === 'enter' && slots.take(by(who), false)) held.push(who)
        else if (act === 'enter') {
          const ticket: Ticket = {
            ...by(who),
            administrator: false,
            admitted: () => {
              held.push(who)
              waiting.splice(waiting.indexOf(ticket), 1)
            },
            displaced: () => void waiting.splice(waiting.indexOf(ticket), 1),
          }
          if (slots.enqueue(ticket)) waiting.push(ticket)
        } else if (act === 'leave') {
          const ticket = waiting.shift()
          if (ticket) slots.leave(ticket)
        } else if (held.includes(who)) {
          held.splice(held.indexOf(who), 1)
          slots.release(by(who))
        }
        assert.deepEqual([slots.used, slots.queued], [held.length, waiting.length])
        assert.ok(held.length <= 3)
        for (const principal of held) assert.ok(held.filter((other) => other === principal).length <= 2)
      }
      while (held.length > 0) slots.release(by(held.pop() as string))
      assert.deepEqual([slots.used, waiting.length], [0, 0])
    }),
  )
})
