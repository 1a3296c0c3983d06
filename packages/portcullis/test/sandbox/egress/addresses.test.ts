import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { type AddressClass, classify } from '../../../src/sandbox/egress/addresses.ts'

const TABLE: Readonly<Record<AddressClass, readonly string[]>> = {
  public: [
    ...['8.8.8.8', '1.1.1.1', '9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255'],
    ...[
      '100.63.255.255',
      '100.128.0.0',
      '198.17.255.255',
      '198.20.0.0',
      '169.253.0.1',
      '169.255.0.1',
      '223.255.255.255',
    ],
    // Documentation: nothing there, and some networks route it.
    ...['192.0.2.1', '198.51.100.7', '203.0.113.80', '2001:db8::1', '3fff::1'],
    ...['2606:4700::1', '2a00:1450:4001::200e', '2001:200::1', '2003::1', '2620:fe::fe'],
  ],
  private: [
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '127.0.0.1', '127.255.255.255', '100.64.1.1'],
    ...['198.18.0.1', '198.19.255.255', '::1', 'fd00::1', 'fc00::1', 'fdff:ffff::1'],
  ],
  guarded: [
    ...['169.254.169.254', '169.254.0.1', '169.254.170.2', '100.100.100.200', '168.63.129.16'],
    ...['fe80::1', 'febf::1', 'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'FD00:EC2:0:0:0:0:0:254'],
  ],
  never: [
    ...['0.0.0.0', '0.1.2.3', '192.0.0.8', '192.0.0.192', '192.88.99.1', '224.0.0.1', '239.255.255.255'],
    ...['240.0.0.1', '255.255.255.255', '::', 'ff02::1', 'fec0::1', '100::1', '5f00::1', '4000::1', '0:0:0:1::'],
    // IPv4 in other clothes: mapped, compatible, NAT64, 6to4, Teredo.
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '::7f00:1', '64:ff9b::7f00:1'],
    ...['64:ff9b::8.8.8.8', '64:ff9b:1::a00:1', '2002:7f00:1::', '2001:0:1::', '2001:10::1', '2001:2::1'],
    // No addresses at all, or with a zone.
    ...[
      '',
      'localhost',
      '127.1',
      '2130706433',
      '0x7f000001',
      '127.0.0.1:80',
      '[::1]',
      'fe80::1%eth0',
      '2606:4700::1%1',
    ],
  ],
}

for (const [kind, addresses] of Object.entries(TABLE)) {
  for (const address of addresses) {
    it(`${JSON.stringify(address)} is ${kind}`, () => assert.equal(classify(address, []), kind))
  }
}

it('an address of this host is private, in every spelling', () => {
  const own = ['203.0.113.9', '2001:db8::9', 'fe80::1%eth0']
  assert.equal(classify('203.0.113.9', own), 'private')
  assert.equal(classify('2001:0DB8:0:0::9', own), 'private')
  assert.equal(classify('203.0.113.8', own), 'public')
  assert.equal(classify('169.254.169.254', ['169.254.169.254']), 'guarded')
})

it('no IPv4 address gets through in the forms of IPv6 that carry one', () => {
  const carriers = ['::ffff:', '::', '64:ff9b::', '64:ff9b:1::', '::ffff:0:']
  fc.assert(
    fc.property(fc.ipV4(), fc.constantFrom(...carriers), (address, carrier) => {
      const kind = classify(`${carrier}${address}`, [])
      // ::1 is loopback itself.
      assert.ok(kind === 'never' || (kind === 'private' && address === '0.0.0.1'), kind)
    }),
  )
})

it('every IPv4 address is of one kind, and only unicast outside of the lists is public', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0] = address.split('.').map(Number)
      const kind = classify(address, [])
      if (a === 10 || a === 127 || (a === 192 && b === 168)) assert.equal(kind, 'private')
      if (a === 0 || a >= 224) assert.equal(kind, 'never')
      if (a === 169 && b === 254) assert.equal(kind, 'guarded')
    }),
  )
})
