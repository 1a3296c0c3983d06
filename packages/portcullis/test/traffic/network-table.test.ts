import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressWords } from '../../src/traffic/address-words.ts'
import { networkName, networkWords, parseNetwork } from '../../src/traffic/network.ts'
import { NetworkMap } from '../../src/traffic/network-map.ts'
import { NetworkTable } from '../../src/traffic/network-table.ts'

const text4 = (word: number) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join('.')
// Few different high bits, so that networks lie inside each other and addresses hit them.
const word4 = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(15).map((high) => high * 0x10000000 + (high % 3)),
  fc.constant(0xffffffff),
)
const word6 = fc.tuple(fc.constantFrom(0, 0x20010db8, 0xffffffff), word4, fc.nat(3), word4)

function built<T>(
  width: 1 | 4,
  all: readonly { words: readonly number[]; prefix: number; note: T }[],
): NetworkTable<T> {
  const table = new NetworkTable<T>(width)
  for (const { words, prefix, note } of all) table.add(words, prefix, note)
  assert.ok([...table.sort()].length > 0)
  return table
}

const holds = (words: readonly number[], prefix: number, address: readonly number[]): boolean => {
  const bits = (all: readonly number[]) => all.map((word) => word.toString(2).padStart(32, '0')).join('')
  return bits(words).slice(0, prefix) === bits(address).slice(0, prefix)
}

for (const [width, words] of [
  [1, word4.map((word) => [word])],
  [4, word6],
] as const) {
  test(`the table and the map find what a linear scan finds, with ${width * 32} bits`, () => {
    const network = fc.record({ words, prefix: fc.nat(width * 32), isLive: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 40 }),
        fc.array(words, { minLength: 1, maxLength: 20 }),
        (all, asked) => {
          const noted = all.map((one, at) => ({ ...one, note: { at, prefix: one.prefix, isLive: one.isLive } }))
          const table = built(width, noted)
          const map = new NetworkMap<(typeof noted)[number]['note']>()
          for (const { words: start, prefix, note } of noted) map.set(start, prefix, note)
          for (const address of [...asked, ...all.map((one) => one.words)]) {
            const scanned = noted.filter((one) => one.isLive && holds(one.words, one.prefix, address))
            const longest = Math.max(-1, ...scanned.map(({ prefix }) => prefix))
            assert.equal(table.find(address, ({ isLive }) => isLive)?.prefix ?? -1, longest)
            assert.equal(
              map.find(address, () => true) !== undefined,
              noted.some((one) => holds(one.words, one.prefix, address)),
            )
          }
          for (const { words: start, prefix } of noted) map.delete(start, prefix)
          for (const address of asked)
            assert.equal(
              map.find(address, () => true),
              undefined,
            )
        },
      ),
    )
  })
}

test('many networks are all found, and their neighbours are not', () => {
  const table = built(
    1,
    Array.from({ length: 50_000 }, (_, at) => ({ words: [((at * 2_654_435_761) >>> 0) & ~255], prefix: 24, note: at })),
  )
  assert.equal(table.size, 50_000)
  for (let at = 0; at < 50_000; at += 97) {
    const start = ((at * 2_654_435_761) >>> 0) & ~255
    assert.notEqual(
      table.find([(start | 77) >>> 0], () => true),
      undefined,
    )
  }
})

test('words of addresses are those of their plain form, and nothing else is an address', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(text4((addressWords(address) as number[])[0] as number), address)
      assert.deepEqual(addressWords(`::ffff:${address}`), addressWords(address))
      assert.deepEqual(addressWords(`0:0:0:0:0:FFFF:${address}`), addressWords(address))
      assert.equal(networkName(parseNetwork(`::ffff:${address}/120`)), networkName(parseNetwork(`${address}/24`)))
    }),
  )
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const { prefix, ...network } = parseNetwork(address)
      assert.deepEqual(addressWords(address), networkWords(network))
      assert.deepEqual(addressWords(networkName({ ...network, prefix })), addressWords(address))
    }),
  )
  const bad = [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    '1:',
    ':1',
    '::1:',
    '::1%',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4:5',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1..2.3',
    '1.2.3.4.',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '::g',
    'localhost',
    '::ffff:1.2.3',
  ]
  for (const text of bad) assert.equal(addressWords(text), undefined, text)
  for (const text of [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
    'fe80::1%eth0',
  ])
    assert.equal(addressWords(text)?.length, 4, text)
})

test('what is an address is the same for us as for the platform', () => {
  const part = fc.constantFrom('0', '1', 'ffff', 'FFF', ':', '::', '.', '1.2.3.4', '256', '%', '12345', 'g')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      assert.equal(addressWords(text) !== undefined, isIP(text) !== 0, text)
    }),
    { numRuns: 3_000 },
  )
})

test('one network has one name', () => {
  const names = [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.0.0.1/32', '10.0.0.1'],
    ['2001:DB8:0:0:1::5/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
  ] as const
  for (const [text, name] of names) assert.equal(networkName(parseNetwork(text)), name)
})
