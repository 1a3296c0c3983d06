import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { list, sql } from '../../src/stores/sql/statement.ts'

test('values stay apart from the text, whatever they are', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), (text, number) => {
      const statement = sql`select ${text} where a = ${number} and b is ${null}`
      assert.deepEqual(statement.parts, ['select ', ' where a = ', ' and b is ', ''])
      assert.deepEqual(statement.values, [text, number, null])
    }),
  )
})

test('a statement in a statement becomes part of its text, with its values in their order', () => {
  const inner = sql`cast(${1} as bigint)`
  const statement = sql`insert ${'a'} ${inner}, ${'b'} ${sql`now`} end`
  assert.equal(statement.parts.join('?'), 'insert ? cast(? as bigint), ? now end')
  assert.deepEqual(statement.values, ['a', 1, 'b'])
})

test('a list has commas between its statements', () => {
  const rows = list([1, 2, 3].map((row) => sql`(${row}, ${row * 10})`))
  assert.equal(sql`values ${rows};`.parts.join('?'), 'values (?, ?), (?, ?), (?, ?);')
  assert.deepEqual(rows.values, [1, 10, 2, 20, 3, 30])
})
