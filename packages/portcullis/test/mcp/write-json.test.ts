import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { digestInTurns, digestOf } from '../../src/mcp/canonical.ts'
import { jsonLength, writeInTurns, writeJson } from '../../src/mcp/write-json.ts'

const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}`, tags: ['a'] }))

describe('JSON text', () => {
  it('is the same whether it is written at once or in turns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), async (value) => {
        assert.equal(await writeInTurns(value), JSON.stringify(value))
      }),
      { numRuns: 500 },
    )
  })

  it('has the same digest either way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), async (value) => {
        assert.equal(await digestInTurns({ value }), digestOf({ value }))
      }),
      { numRuns: 300 },
    )
  })

  it('leaves out what is undefined and writes what knows its own form', async () => {
    const value = { a: undefined, b: [undefined, 1], at: new Date(0), c: { d: undefined }, '': null, lone: '\ud800' }
    assert.equal(await writeInTurns(value), JSON.stringify(value))
  })

  it('is a string for a small value and a promise for a bulky one, while others run', async () => {
    assert.equal(writeJson({ a: [1] }), '{"a":[1]}')
    const value = { rows: rows(60_000) }
    let others = 0
    let isOver = false
    const count = (): void => {
      others++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const text = writeJson(value)
    assert(text instanceof Promise)
    assert.equal(await text, JSON.stringify(value))
    isOver = true
    assert(others >= 2, `${others}`)
  })

  it('has a length that is exact for small values', () => {
    const value = { a: 'é', b: rows(3) }
    assert.equal(jsonLength(value), JSON.stringify(value).length)
  })
})
