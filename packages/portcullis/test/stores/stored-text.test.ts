/** What PostgreSQL cannot hold as text comes back as it was, and two texts never become one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromStored, toStored } from '../../src/stores/postgres/stored-text.ts'

const text = fc.string({ unit: fc.constantFrom('\0', '\ue000', '0', '1', 'a', '\u{1f600}') })

test('every text comes back as it was, and has no NUL meanwhile', () => {
  fc.assert(
    fc.property(text, (given) => {
      const row: Record<string, unknown> = { given: toStored(given), count: 1, none: null }
      assert.equal(toStored(given).includes('\0'), false)
      fromStored(row)
      assert.deepEqual(row, { given, count: 1, none: null })
    }),
  )
})

test('two texts never become one', () => {
  fc.assert(fc.property(text, text, (one, other) => assert.equal(toStored(one) === toStored(other), one === other)))
})
