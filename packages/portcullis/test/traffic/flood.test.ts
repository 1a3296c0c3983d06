import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionGate, FLOOD, HTTP2_FLOOD } from '../../src/traffic/flood.ts'
import { SITE_FACTOR } from '../../src/traffic/network.ts'

test('every bound is set: none is zero, which node:http takes for "unlimited"', () => {
  for (const [name, value] of Object.entries({ ...FLOOD, ...HTTP2_FLOOD }))
    assert(value > 0 && Number.isSafeInteger(value), name)
  assert(FLOOD.headersTimeoutMs <= FLOOD.requestTimeoutMs)
})

test('an address gets so many sockets and no more, and each that closes makes room', () => {
  const gate = new ConnectionGate(2)
  assert.deepEqual(
    ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'].map((address) => gate.admit(address)),
    [true, true, false],
  )
  assert(gate.admit('192.0.2.2'))
  gate.release('::ffff:192.0.2.1')
  assert(gate.admit('192.0.2.1'))
  assert(!gate.admit('192.0.2.1'))
})

test('one IPv6 network cannot take all sockets', () => {
  const gate = new ConnectionGate(2)
  const admitted = Array.from({ length: 100 }, (_, i) => gate.admit(`2001:db8::${i.toString(16)}`))
  assert.equal(admitted.filter(Boolean).length, 2)
})

test('one site cannot take all sockets with its many networks', () => {
  const gate = new ConnectionGate(2)
  const addresses = Array.from({ length: 100 }, (_, i) => `2001:db8:1:${i.toString(16)}::1`)
  assert.equal(addresses.filter((address) => gate.admit(address)).length, 2 * SITE_FACTOR)
  assert(gate.admit('2001:db8:2::1'))
  for (const address of addresses.slice(0, 2 * SITE_FACTOR)) gate.release(address)
  gate.release('2001:db8:2::1')
  assert.equal(gate.addresses, 0)
})

test('closed sockets leave nothing behind', () => {
  const gate = new ConnectionGate(5)
  for (let i = 0; i < 100; i++) gate.admit(`192.0.2.${i}`)
  assert.equal(gate.addresses, 100)
  for (let i = 0; i < 100; i++) gate.release(`192.0.2.${i}`)
  gate.release('192.0.2.1')
  assert.equal(gate.addresses, 0)
})
