import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { networkKey, parseNetwork, plainAddress } from '../../src/traffic/network.ts'

const PLAIN: readonly (readonly [address: string, plain: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
  ['::192.0.2.1', '::192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.1'],
  ['2001:DB8::1', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['::1', '::1'],
  ['', ''],
]

const KEYS: readonly (readonly [address: string, key: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', 'unknown'],
  ['localhost', 'unknown'],
  ['/run/socket', 'unknown'],
]

describe('an address', () => {
  for (const [address, plain] of PLAIN) {
    test(`${address || '(none)'} is ${plain || '(none)'}`, () => assert.equal(plainAddress(address), plain))
  }
  for (const [address, key] of KEYS) {
    test(`${address || '(none)'} counts as ${key}`, () => assert.equal(networkKey(address), key))
  }
  test('counts the same however it is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const canonical = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? ''
        assert.equal(networkKey(address), networkKey(canonical))
        assert.equal(networkKey(address.toUpperCase()), networkKey(canonical))
      }),
    )
  })
})

describe('a network', () => {
  test('in a mapped form is one of IPv4', () => {
    assert.deepEqual(parseNetwork('::ffff:10.0.0.0/104'), { address: '10.0.0.0', prefix: 8, family: 'ipv4' })
    assert.deepEqual(parseNetwork('::ffff:0:0/96'), { address: '0.0.0.0', prefix: 0, family: 'ipv4' })
  })
  const bad = [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0',
    '010.0.0.1',
    '0x7f.1',
  ]
  for (const text of [...bad, '::/129', 'fe80::1%eth0', 'example.com', '10.0.0.1 ', '2130706433', '[::1]']) {
    test(`"${text}" is none`, () => assert.throws(() => parseNetwork(text), TypeError))
  }
})
