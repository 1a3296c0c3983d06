import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { flag, instant, optional, readFields, schemaOf, several, text, whole, word } from '../../src/admin/fields.ts'
import { Fault } from '../../src/core/fault.ts'

const FIELDS = {
  name: text('a name', { max: 8 }),
  count: optional(whole('how many', 1, 5)),
  on: optional(flag('whether')),
  kind: optional(word('which', ['a', 'b'])),
  roles: optional(several(text('a role'), 2, 1)),
}

const REFUSED: readonly (readonly [what: string, given: unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['a list', []],
  ['text', 'x'],
  ['a missing member', {}],
  ['a member too many', { name: 'x', more: 1 }],
  ['a member of the prototype', { name: 'x', toString: 1 }],
  ['an empty text', { name: '' }],
  ['a text that is too long', { name: '123456789' }],
  ['a control character', { name: 'a\u0000' }],
  ['a line end', { name: 'a\n' }],
  ['a number as text', { name: 5 }],
  ['a number below', { name: 'x', count: 0 }],
  ['a number above', { name: 'x', count: 6 }],
  ['a fraction', { name: 'x', count: 1.5 }],
  ['a number with a sign', { name: 'x', count: '+1' }],
  ['a number with a zero before', { name: 'x', count: '01' }],
  ['a number in words', { name: 'x', count: '1e0' }],
  ['a flag as text', { name: 'x', on: 'true' }],
  ['another word', { name: 'x', kind: 'c' }],
  ['a word that every object has', { name: 'x', kind: 'constructor' }],
  ['a list that is too short', { name: 'x', roles: [] }],
  ['a list that is too long', { name: 'x', roles: ['a', 'b', 'c'] }],
  ['a list with a repetition', { name: 'x', roles: ['a', 'a'] }],
  ['a list of something else', { name: 'x', roles: [1] }],
]

describe('fields', () => {
  for (const [what, given] of REFUSED) {
    it(`refuse ${what}, and do not repeat it`, () => {
      assert.throws(
        () => readFields(FIELDS, given, 'The body'),
        (thrown) =>
          thrown instanceof Fault && thrown.code === 'message.invalid_params' && !thrown.says.includes('more'),
      )
    })
  }

  it('give what was said, and nothing for what was not', () => {
    const given = { name: 'x', count: 5, on: false, kind: 'b', roles: ['a'] }
    assert.deepEqual(readFields(FIELDS, given, 'The body'), given)
    assert.deepEqual(Object.keys(readFields(FIELDS, { name: 'x' }, 'The body')), ['name'])
    assert.deepEqual(readFields(FIELDS, { name: 'x', count: '5' }, 'The query'), { name: 'x', count: 5 })
  })

  it('take whatever comes without another end than a refusal', () => {
    fc.assert(
      fc.property(fc.anything(), (given) => {
        try {
          assert.ok(readFields(FIELDS, given, 'The body').name.length > 0)
        } catch (thrown) {
          assert.ok(thrown instanceof Fault && thrown.code === 'message.invalid_params')
        }
      }),
    )
  })

  it('describe themselves', () => {
    const schema = schemaOf(FIELDS)
    assert.partialDeepStrictEqual(schema, { type: 'object', additionalProperties: false, required: ['name'] })
  })
})

// biome-ignore format: one instant a row
const INSTANTS: readonly (readonly [text: unknown, at: number | undefined])[] = [
  ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
  ['2026-01-31t12:00:00.250z', Date.UTC(2026, 0, 31, 12, 0, 0, 250)],
  ['2026-01-31T12:00:00+02:00', Date.UTC(2026, 0, 31, 10)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2026-01-31', undefined],
  ['2026-01-31T12:00Z', undefined],
  ['2026-01-31T12:00:00', undefined],
  ['2026-01-31 12:00:00Z', undefined],
  ['2026-02-30T00:00:00Z', undefined],
  ['2026-02-29T00:00:00Z', undefined],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-01-31T24:00:00Z', undefined],
  ['2026-01-31T12:60:00Z', undefined],
  ['2026-01-31T12:00:00+25:00', undefined],
  ['31 Jan 2026', undefined],
  ['1', undefined],
  [1_769_860_800_000, undefined],
  ['+002026-01-31T12:00:00Z', undefined],
]

describe('an instant', () => {
  for (const [given, at] of INSTANTS)
    it(`${JSON.stringify(given)} is ${at === undefined ? 'refused' : 'read'}`, () => {
      if (at === undefined) assert.throws(() => instant('when').read(given, 'time'), { code: 'message.invalid_params' })
      else assert.equal(instant('when').read(given, 'time'), at)
    })
})
