import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { loadPolicies } from '../../src/policy/load.ts'
import type { PolicyError } from '../../src/policy/problem.ts'
import { Lines, splitPolicies } from '../../src/policy/source.ts'
import { VOCABULARY } from './fixture.ts'

const split = (text: string) => splitPolicies({ file: 'f', text })
const LONG = 199_000

describe('the lines of a text', () => {
  it('are those that counting from the beginning finds', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\n', '\r', 'é', '😀')), fc.nat(), (parts, at) => {
        const text = parts.join('')
        const offset = at % (text.length + 1)
        const before = text.slice(0, offset)
        const counted = { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
        assert.deepEqual(new Lines(text).at(offset), counted)
      }),
    )
  })
})

describe('cutting a file', () => {
  it('finds each policy where it stands', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(';', 'p', ' ', '\n', '"', '\\', '//', '"a;b"')), (parts) => {
        const text = parts.join('')
        for (const { text: body, offset, line } of split(text)) {
          assert.equal(text.slice(offset, offset + body.length), body)
          assert.equal(line, text.slice(0, offset).split('\n').length)
        }
      }),
    )
  })

  it('gives a second policy on one line its column', () => {
    assert.deepEqual(
      split('a; b;\n c;').map(({ place }) => place),
      ['f:1', 'f:1:4', 'f:2'],
    )
  })

  it('takes a string without an end as one, up to the end of the file', () => {
    assert.deepEqual(
      split('a "x;\nb;').map(({ text }) => text),
      ['a "x;\nb;'],
    )
  })

  it('does not dwell on very many ends, quotes or backslashes', { timeout: 20_000 }, () => {
    assert.equal(split(';'.repeat(LONG)).length, LONG)
    assert.equal(split('"\\'.repeat(LONG / 2)).length, 1)
    assert.equal(split(`"${'\\"'.repeat(LONG / 2)}`).length, 1)
  })
})

describe('loading very many mistakes', { timeout: 20_000 }, () => {
  it('tells the first thousand, because nobody reads more', async () => {
    const loading = loadPolicies([{ file: 'f', text: ';'.repeat(LONG) }], VOCABULARY)
    await assert.rejects(loading, ({ problems }: PolicyError) => {
      assert.equal(problems.length, 1_000)
      assert.deepEqual([problems[0]?.column, problems[999]?.column], [1, 1_000])
      return true
    })
  })
})
