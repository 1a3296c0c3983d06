import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { repeatsMember } from '../../src/identity/unique-members.ts'

describe('repeatsMember', () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1 , "a" : 2}}',
    '[{"a":[],"b":{},"a":0}]',
    '{"\\"":1,"\\"":2}',
    '{"__proto__":1,"__proto__":2}',
  ]) {
    it(`finds the repetition in ${text}`, () => assert.equal(repeatsMember(text), true))
  }

  for (const text of [
    '{}',
    '{"a":"a","b":["a","a"]}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2}]',
    '{"a\\\\":"\\"a\\":1","a":2}',
  ]) {
    it(`finds none in ${text}`, () => assert.equal(repeatsMember(text), false))
  }

  it('finds none in what JSON.stringify writes', () => {
    fc.assert(fc.property(fc.json(), (text) => !repeatsMember(JSON.stringify(JSON.parse(text)))))
  })

  it('finds a member that was added once more', () => {
    const record = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 })
    fc.assert(
      fc.property(record, (value) => {
        const text = JSON.stringify(value)
        const again = JSON.stringify({ [Object.keys(value)[0] ?? '']: 0 }).slice(1)
        assert.equal(repeatsMember(`${text.slice(0, -1)},${again}`), true)
      }),
    )
  })
})
