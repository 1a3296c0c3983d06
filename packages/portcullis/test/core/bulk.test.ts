import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BULKY_MEMBERS, bulkBytes, bulkOf, isBulky, isWide } from '../../src/core/bulk.ts'
import { BulkReader } from '../../src/inspection/bulk-json.ts'

function read(text: string): Record<string, unknown> {
  const reader = new BulkReader(Buffer.from(text), { maxDepth: 10 })
  assert(reader.read(Number.POSITIVE_INFINITY))
  return reader.document as Record<string, unknown>
}

const numbers = (count: number): string => `[${Array.from({ length: count }, (_, index) => index).join()}]`

describe('the marks of large values', () => {
  it('are on whatever holds more than a turn can go over, and on nothing else', () => {
    const large = numbers(BULKY_MEMBERS + 1)
    const value = read(`{"a":{"large":${large}},"b":{"small":[1,2]}}`) as { a: { large: unknown }; b: unknown }
    assert.deepEqual(bulkOf(value.a.large), {
      members: BULKY_MEMBERS + 1,
      own: BULKY_MEMBERS + 1,
      bytes: large.length,
    })
    assert.equal(bulkOf(value)?.own, 2)
    assert.equal(bulkOf(value)?.members, BULKY_MEMBERS + 1 + 6)
    assert.equal(bulkOf(value.b), undefined)
    assert.deepEqual([isBulky(value), isBulky(value.a), isBulky(value.b)], [true, true, false])
  })

  it('are found in what the gateway wraps around a marked value', () => {
    const result = read(`{"rows":${numbers(6_000)}}`)
    const wrapped = { jsonrpc: '2.0', id: 1, result: { ...result, cacheScope: 'private' } }
    assert.equal(bulkOf(wrapped.result), undefined)
    assert.equal(isBulky(wrapped), true)
    assert.equal(bulkBytes(wrapped), numbers(6_000).length)
    assert.equal(bulkBytes({ ...wrapped, again: result['rows'] }), 2 * numbers(6_000).length)
  })

  it('are not needed for a value that somebody else made: its members are counted', () => {
    assert.equal(isBulky(Array.from({ length: BULKY_MEMBERS }, () => 1)), false)
    assert.equal(isBulky(Array.from({ length: BULKY_MEMBERS + 1 }, () => 1)), true)
    for (const value of [undefined, null, 1, 'text', {}, []]) assert.equal(isBulky(value), false)
  })

  it('tell objects with many names of their own from those that hold one large thing', () => {
    const names = Array.from({ length: 6_000 }, (_, index) => `"n${index}":1`).join()
    assert.equal(isWide(read(`{${names}}`)), true)
    assert.equal(isWide(read(`{"one":{${names}}}`)), false)
    assert.equal(isWide({ a: 1 }), false)
  })
})
