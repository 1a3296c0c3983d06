import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cellsWithin, linesWithin } from '../../../src/inspection/views/values-within.ts'

describe('values within a text', () => {
  it('are cells of a table and values of JSON, with their quotes undone', () => {
    assert.deepEqual([...cellsWithin('id,name\n1,"a ""b"" c"\n')], ['a "b" c'])
    assert.deepEqual([...cellsWithin('{"a": "x \\"y\\" z"}')], ['x "y" z'])
    assert.deepEqual([...cellsWithin('<a b="one two">')], ['one two'])
    assert.deepEqual([...cellsWithin('he said "one two" and went')], [])
  })

  it('are its short lines, when it has several', () => {
    assert.deepEqual([...linesWithin('one')], [])
    assert.deepEqual([...linesWithin('one\n  two \r\n\nthree')], ['one', 'two', 'three'])
    assert.deepEqual([...linesWithin('one\n')], ['one'])
    assert.deepEqual([...linesWithin(`${'x'.repeat(200)}\ntwo`)], ['two'])
  })

  it('are parts of it, few and short', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', ',', '\n', ':', 'a', ' ', '}'), maxLength: 400 }),
        (text) => {
          const [cells, lines] = [[...cellsWithin(text)], [...linesWithin(text)]]
          assert.ok(cells.length <= 32 && lines.length <= 32)
          for (const line of lines) assert.ok(text.includes(line) && !line.includes('\n') && line.length <= 120)
          for (const cell of cells) assert.ok(cell.length <= 400)
        },
      ),
    )
  })
})
