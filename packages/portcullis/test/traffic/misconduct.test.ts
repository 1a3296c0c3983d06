import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORGIVEN_AFTER_MS, Misconduct } from '../../src/traffic/misconduct.ts'

const BAD = '192.0.2.1'

function started(burst: number) {
  const clock = { now: 1_000_000 }
  return { clock, misconduct: new Misconduct({ burst, now: () => clock.now }) }
}

test('an address is barred after so many connections that were cut off, and no other is', () => {
  const { misconduct } = started(3)
  for (const barred of [false, false, true]) {
    misconduct.tell(BAD)
    assert.equal(misconduct.isBarred(BAD), barred)
  }
  assert(misconduct.isBarred(`::ffff:${BAD}`))
  assert(!misconduct.isBarred('192.0.2.2'))
})

test('it is let in again when one of them is forgiven, and waits the longer the more there were', () => {
  const { clock, misconduct } = started(3)
  for (let at = 0; at < 3; at++) misconduct.tell(BAD)
  clock.now += FORGIVEN_AFTER_MS
  assert(!misconduct.isBarred(BAD))
  for (let at = 0; at < 3; at++) misconduct.tell(BAD)
  clock.now += FORGIVEN_AFTER_MS
  assert(misconduct.isBarred(BAD))
})

test('nobody is barred for ever, however much was cut off', () => {
  const { clock, misconduct } = started(3)
  for (let at = 0; at < 1_000; at++) misconduct.tell(BAD)
  clock.now += 4 * FORGIVEN_AFTER_MS
  assert(!misconduct.isBarred(BAD))
})

test('an IPv6 network is one address, and what is remembered is bounded', () => {
  const { misconduct } = started(2)
  misconduct.tell('2001:db8::1')
  misconduct.tell('2001:db8::2')
  assert(misconduct.isBarred('2001:db8::3'))
  for (let at = 0; at < 10_000; at++) misconduct.tell(`10.1.${at >> 8}.${at & 255}`)
  assert(!misconduct.isBarred('2001:db8::3'), 'the oldest goes first')
})
