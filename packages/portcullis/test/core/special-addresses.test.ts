import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addressKind,
  type AddressKind,
  isLoopbackAddress,
  isSpecialAddress,
  networksOf,
} from '../../src/core/special-addresses.ts'

/** Every row of the IANA IPv4 and IPv6 Special-Purpose Address Registries, and the first and last address that show it. */
const REGISTRIES: readonly (readonly [network: string, kind: AddressKind, ...addresses: string[]])[] = [
  ['0.0.0.0/8', 'never', '0.0.0.0', '0.255.255.255'],
  ['0.0.0.0/32', 'never', '0.0.0.0'],
  ['10.0.0.0/8', 'private', '10.0.0.0', '10.255.255.255'],
  ['100.64.0.0/10', 'private', '100.64.0.0', '100.127.255.255'],
  ['127.0.0.0/8', 'private', '127.0.0.0', '127.255.255.255'],
  ['169.254.0.0/16', 'guarded', '169.254.0.0', '169.254.255.255'],
  ['172.16.0.0/12', 'private', '172.16.0.0', '172.31.255.255'],
  ['192.0.0.0/24', 'never', '192.0.0.0', '192.0.0.255'],
  ['192.0.0.0/29', 'never', '192.0.0.7'],
  ['192.0.0.8/32', 'never', '192.0.0.8'],
  ['192.0.0.9/32', 'never', '192.0.0.9'],
  ['192.0.0.10/32', 'never', '192.0.0.10'],
  ['192.0.0.170/32', 'never', '192.0.0.170'],
  ['192.0.0.171/32', 'never', '192.0.0.171'],
  ['192.0.2.0/24', 'documentation', '192.0.2.0', '192.0.2.255'],
  ['192.31.196.0/24', 'service', '192.31.196.0', '192.31.196.255'],
  ['192.52.193.0/24', 'service', '192.52.193.0', '192.52.193.255'],
  ['192.88.99.0/24', 'never', '192.88.99.0', '192.88.99.255'],
  ['192.88.99.2/32', 'never', '192.88.99.2'],
  ['192.168.0.0/16', 'private', '192.168.0.0', '192.168.255.255'],
  ['192.175.48.0/24', 'service', '192.175.48.0', '192.175.48.255'],
  ['198.18.0.0/15', 'private', '198.18.0.0', '198.19.255.255'],
  ['198.51.100.0/24', 'documentation', '198.51.100.0', '198.51.100.255'],
  ['203.0.113.0/24', 'documentation', '203.0.113.0', '203.0.113.255'],
  ['240.0.0.0/4', 'never', '240.0.0.0', '255.255.255.254'],
  ['255.255.255.255/32', 'never', '255.255.255.255'],
  ['::1/128', 'private', '::1'],
  ['::/128', 'never', '::'],
  ['::ffff:0:0/96', 'never', '::ffff:0:0', '::ffff:8.8.8.8'],
  ['64:ff9b::/96', 'never', '64:ff9b::', '64:ff9b::8.8.8.8'],
  ['64:ff9b:1::/48', 'never', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::/64', 'never', '100::', '100::ffff:ffff:ffff:ffff'],
  ['100:0:0:1::/64', 'never', '100:0:0:1::'],
  ['2001::/23', 'never', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001::/32', 'never', '2001:0:1::'],
  ['2001:1::1/128', 'never', '2001:1::1'],
  ['2001:1::2/128', 'never', '2001:1::2'],
  ['2001:1::3/128', 'never', '2001:1::3'],
  ['2001:2::/48', 'never', '2001:2::'],
  ['2001:3::/32', 'never', '2001:3::'],
  ['2001:4:112::/48', 'never', '2001:4:112::'],
  ['2001:10::/28', 'never', '2001:10::'],
  ['2001:20::/28', 'never', '2001:20::'],
  ['2001:30::/28', 'never', '2001:30::'],
  ['2001:db8::/32', 'documentation', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2002::/16', 'never', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2620:4f:8000::/48', 'service', '2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff'],
  ['3fff::/20', 'documentation', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['5f00::/16', 'never', '5f00::'],
  ['fc00::/7', 'private', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fe80::/10', 'guarded', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
]
for (const [network, kind, ...addresses] of REGISTRIES) {
  test(`${network} is ${kind}`, () => {
    for (const address of addresses) {
      assert.equal(addressKind(address), kind, address)
      assert.equal(isSpecialAddress(address), true, address)
    }
  })
}

test('multicast, site-local and unassigned networks are no place', () => {
  for (const address of ['224.0.0.1', '239.255.255.255', 'ff02::1', 'fec0::1', '4000::1', '0:0:0:1::', '::127.0.0.1']) {
    assert.equal(addressKind(address), 'never', address)
  }
})

test('metadata services hand out credentials, wherever they are', () => {
  for (const address of ['169.254.169.254', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254']) {
    assert.equal(addressKind(address), 'guarded', address)
  }
})

test('what is beside the networks is public', () => {
  const beside = [
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
  ]
  for (const address of [
    ...beside,
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::',
    '2003::',
    '3ffe::',
  ]) {
    assert.equal(addressKind(address), 'public', address)
    assert.equal(isSpecialAddress(address), false, address)
  }
})

test('other notations are no addresses', () => {
  for (const text of [
    '',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '[::1]',
    'fe80::1%eth0',
    '1.1.1.1:80',
  ]) {
    assert.equal(addressKind(text), 'never', text)
    assert.equal(isLoopbackAddress(text), false, text)
  }
})

test('loopback is known in every spelling, and nothing else is', () => {
  for (const address of ['127.0.0.1', '127.9.8.7', '::1', '0:0:0:0:0:0:0:1'])
    assert.equal(isLoopbackAddress(address), true)
  for (const address of ['128.0.0.1', '::2', '10.0.0.1', '::ffff:127.0.0.1'])
    assert.equal(isLoopbackAddress(address), false, address)
})

test('an exception opens its network only', () => {
  const allowed = networksOf(['10.1.0.0/16', 'fd00:1::/32', '192.168.7.7'])
  for (const address of ['10.1.2.3', 'fd00:1::9', '192.168.7.7'])
    assert.equal(isSpecialAddress(address, allowed), false, address)
  for (const address of ['10.2.0.1', 'fd00:2::9', '192.168.7.8'])
    assert.equal(isSpecialAddress(address, allowed), true, address)
})

test('every text has one kind and nothing throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
      assert.equal(isSpecialAddress(text), addressKind(text) !== 'public')
    }),
  )
})
