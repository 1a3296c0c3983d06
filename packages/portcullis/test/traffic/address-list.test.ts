import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AddressList, addressStage } from '../../src/traffic/address-list.ts'
import { clockAt, codeOf, exchangeOf } from './fixtures.ts'

const entry = (network: string, expiresAt?: number) => ({
  network,
  reason: `because of ${network}`,
  ...(expiresAt !== undefined && { expiresAt }),
})
const listOf = (...networks: string[]) =>
  new AddressList(
    networks.map((network) => entry(network)),
    clockAt(0),
  )

const MATCHES: readonly (readonly [network: string, inside: readonly string[], outside: readonly string[]])[] = [
  ['192.0.2.7', ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207'], ['192.0.2.8', '::192.0.2.7', '']],
  ['10.0.0.0/8', ['10.255.0.1', '::ffff:10.0.0.1'], ['11.0.0.0', '::a00:1']],
  ['10.1.2.3/8', ['10.200.0.1'], ['9.0.0.0']],
  ['::ffff:10.0.0.0/104', ['10.1.1.1', '::ffff:10.1.1.1'], ['11.0.0.1']],
  ['::ffff:0:0/96', ['192.0.2.1'], ['2001:db8::1']],
  ['2001:db8::/32', ['2001:db8::1', '2001:DB8:ffff::%eth0'], ['2001:db9::', '192.0.2.1']],
  ['::/0', ['2001:db8::1', '::1'], ['192.0.2.1', '::ffff:192.0.2.1']],
  ['0.0.0.0/0', ['192.0.2.1', '::ffff:192.0.2.1'], ['2001:db8::1']],
]

describe('a list with', () => {
  for (const [network, inside, outside] of MATCHES) {
    test(`${network} matches that and nothing else`, () => {
      const list = listOf('203.0.113.0/24', network)
      for (const address of inside) assert.equal(list.match(address)?.network, network, address)
      for (const address of outside) assert.equal(list.match(address), undefined, address)
    })
  }
  test('a bad entry is refused whole, and what was there stays', () => {
    const list = listOf('192.0.2.1')
    assert.throws(() => list.replace([entry('192.0.2.2'), entry('nonsense')]), TypeError)
    assert(list.match('192.0.2.1') && !list.match('192.0.2.2'))
  })
})

test('an entry ends at its expiry and not before', () => {
  const clock = clockAt(1000)
  const list = new AddressList([entry('192.0.2.1', 2000), entry('192.0.2.0/24', 3000)], clock)
  clock.at = 1999
  assert.equal(list.match('192.0.2.1')?.expiresAt, 2000)
  clock.at = 2000
  assert.equal(list.match('192.0.2.1')?.network, '192.0.2.0/24')
  clock.at = 3000
  assert.equal(list.match('192.0.2.1'), undefined)
})

describe('the stage', () => {
  const none = new AddressList([], clockAt(0))
  const code = (blocked: AddressList, allowed: AddressList, address: string) =>
    codeOf(() => addressStage(blocked, allowed).check(exchangeOf({}, address)))

  test('lets everybody in without lists', () => assert.equal(code(none, none, '192.0.2.1'), 'passed'))
  test('keeps the blocked out, even if they are allowed', () => {
    assert.equal(code(listOf('192.0.2.0/24'), none, '192.0.2.1'), 'traffic.address_blocked')
    assert.equal(code(listOf('192.0.2.0/24'), listOf('192.0.2.1'), '192.0.2.1'), 'traffic.address_blocked')
  })
  test('keeps all but the allowed out', () => {
    assert.equal(code(none, listOf('192.0.2.0/24'), '::ffff:192.0.2.1'), 'passed')
    for (const address of ['198.51.100.1', '2001:db8::1', '']) {
      assert.equal(code(none, listOf('192.0.2.0/24'), address), 'traffic.address_blocked')
    }
  })
  test('stays closed when the last allowed entry has expired', () => {
    const allowed = new AddressList([entry('192.0.2.1', 10)], clockAt(20))
    assert.equal(code(none, allowed, '192.0.2.1'), 'traffic.address_blocked')
  })
  test('tells the reason to the audit record alone', () => {
    assert.throws(
      () => addressStage(listOf('192.0.2.1'), none).check(exchangeOf({}, '192.0.2.1')),
      (thrown: Error & { says?: string; detail?: Record<string, unknown> }) =>
        thrown.detail?.['reason'] === 'because of 192.0.2.1' && !thrown.says?.includes('because'),
    )
  })
})
