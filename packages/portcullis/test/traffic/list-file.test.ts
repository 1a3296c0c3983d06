import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCountryFile } from '../../src/traffic/country-file.ts'
import { type ListFileRules, ListFileError, readListFile } from '../../src/traffic/list-file.ts'
import { addressWords } from '../../src/traffic/address-words.ts'

const RULES: ListFileRules = { format: 'lines', kind: 'address', reason: 'listed', source: 'file' }

function whole<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

const read = (text: string, rules: Partial<ListFileRules> = {}) =>
  whole(readListFile(Buffer.from(text), { ...RULES, ...rules }))
const at = (text: string) => addressWords(text) as readonly number[]

test('lines hold one value each, and behind a mark why it is listed', () => {
  const set = read('\u{feff}# a list\r\n192.0.2.0/24 ; SBL1\r\n\r\n2001:db8::/32\r\n198.51.100.7 # scans')
  assert.equal(set.size, 3)
  assert.equal(set.address(at('192.0.2.9'), 0)?.reason, 'SBL1')
  assert.equal(set.address(at('2001:db8::1'), 0)?.reason, 'listed')
  assert.equal(set.address(at('198.51.100.7'), 0)?.reason, 'scans')
  assert.equal(set.address(at('198.51.100.8'), 0), undefined)
})

test('CSV names its columns in any order, and quotes what needs it', () => {
  const text =
    'reason,value,kind,until,tenant\n"said ""no"", twice",user:a,principal,2030-01-01,acme\n,files__write,tool,,\n'
  const set = read(text, { format: 'csv' })
  assert.equal(set.name('principal', 'acme', 'user:a', 0)?.reason, 'said "no", twice')
  assert.equal(set.name('principal', 'acme', 'user:a', Date.parse('2030-01-01')), undefined)
  assert.equal(set.name('principal', '', 'user:a', 0), undefined)
  assert.equal(set.name('tool', '', 'files__write', 0)?.reason, 'listed')
})

test('JSON lines hold one object each', () => {
  const set = read('{"kind":"country","value":"nl"}\n{"value":"192.0.2.1","until":"2030-01-01T00:00:00Z"}\n', {
    format: 'json-lines',
  })
  assert.ok(set.name('country', '', 'NL', 0))
  assert.equal(set.address(at('192.0.2.1'), 0)?.untilMs, Date.parse('2030-01-01T00:00:00Z'))
})

const BROKEN: readonly (readonly [string, string, Partial<ListFileRules>, number])[] = [
  ['a line that is no address', '192.0.2.1\nnonsense\n', {}, 2],
  ['a prefix that is too long', '192.0.2.1/33', {}, 1],
  ['a head without a value', 'kind,reason\n', { format: 'csv' }, 1],
  ['an unknown column', 'value,colour\n', { format: 'csv' }, 1],
  ['a row that is too short', 'value,reason\n192.0.2.1\n', { format: 'csv' }, 2],
  ['blanks without end before a quote', `value,reason\n${' '.repeat(100_000)}x"`, { format: 'csv' }, 2],
  ['quotes that do not close', 'value,reason\n192.0.2.1,"x\n', { format: 'csv' }, 2],
  ['an unknown kind', 'value,kind\nx,people\n', { format: 'csv' }, 2],
  ['a tenant of an address', 'value,tenant\n192.0.2.1,acme\n', { format: 'csv' }, 2],
  ['an end that is none', 'value,until\n192.0.2.1,tomorrow\n', { format: 'csv' }, 2],
  ['half an object', '{"value":\n', { format: 'json-lines' }, 1],
  ['a member that nobody knows', '{"value":"192.0.2.1","ends":"x"}', { format: 'json-lines' }, 1],
  ['a value that is no text', '{"value":7}', { format: 'json-lines' }, 1],
  ['no value', '{"kind":"address"}', { format: 'json-lines' }, 1],
  ['a country of three letters', 'NLD', { kind: 'country' }, 1],
]

for (const [what, text, rules, line] of BROKEN) {
  test(`${what} breaks the whole file, and the line is told`, () => {
    assert.throws(
      () => read(text, rules),
      (thrown) => thrown instanceof ListFileError && thrown.message.startsWith(`line ${line} `),
    )
  })
}

test('whatever a file holds, it is read or refused with its line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('lines', 'csv', 'json-lines'), (text, format) => {
      try {
        read(text, { format, kind: 'principal' })
      } catch (thrown) {
        assert.ok(thrown instanceof ListFileError)
      }
    }),
  )
})

test('the smallest network says where an address is', () => {
  const countries = whole(
    readCountryFile(
      Buffer.from('network,country\n# comment\n192.0.0.0/16,us,North America\n192.0.2.0/24,"NL"\n2001:db8::/32,DE\n'),
    ),
  )
  assert.equal(countries.of(at('192.0.2.1')), 'NL')
  assert.equal(countries.of(at('192.0.3.1')), 'US')
  assert.equal(countries.of(at('2001:db8::1')), 'DE')
  assert.equal(countries.of(at('198.51.100.1')), undefined)
  for (const text of ['192.0.2.0/24\n', '192.0.2.0/24,NLD\n', 'x,NL\n'])
    assert.throws(() => whole(readCountryFile(Buffer.from(text))), ListFileError)
})
