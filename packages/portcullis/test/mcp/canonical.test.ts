import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, digestOf } from '../../src/mcp/canonical.ts'

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, entry]) => [name, shuffled(entry)]),
  )
}

test('the canonical form means the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('the order of members does not change the canonical form', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(canonicalJson(shuffled(value)), canonicalJson(value))
    }),
  )
})

test('canonicalising what was canonical changes nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value)
      assert.equal(canonicalJson(JSON.parse(text)), text)
    }),
  )
})

const FORMS: ReadonlyArray<readonly [title: string, value: unknown, text: string]> = [
  [
    'members are sorted by UTF-16 code units',
    { '\u{1f600}': 1, '\ufb33': 2, b: 3, B: 4 },
    '{"B":4,"b":3,"\u{1f600}":1,"\ufb33":2}',
  ],
  ['numbers stand in their shortest form', [1e30, 4.5, 2e-3, 1e-27, -0], '[1e+30,4.5,0.002,1e-27,0]'],
  ['text is escaped no more than it must be', '\u20ac$\u000f\nA\'B"\\/', '"\u20ac$\\u000f\\nA\'B\\"\\\\/"'],
  ['a member that is undefined is not there', { a: undefined, b: null }, '{"b":null}'],
  ['nesting has no white space', { a: [{}, [], { c: 1, b: true }] }, '{"a":[{},[],{"b":true,"c":1}]}'],
]

for (const [title, value, text] of FORMS) {
  test(title, () => assert.equal(canonicalJson(value), text))
}

test('a digest is the SHA-256 of the canonical bytes', () => {
  const expected = createHash('sha256').update('{"a":"\u20ac","b":1}', 'utf8').digest('hex')
  assert.equal(digestOf({ b: 1, a: '\u20ac' }), expected)
})
