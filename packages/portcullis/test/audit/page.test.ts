import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { isRecordCursor, readPage } from '../../src/audit/page.ts'
import type { TailFilter } from '../../src/audit/tail.ts'
import { callNumber, newFolder, openChain } from './fixtures.ts'

const directory = newFolder()
const chain = openChain(directory, { rules: { ...CHAIN_RULES, maxSegmentBytes: 1500 } })
for (let n = 1; n <= 30; n++) await chain.append(callNumber(n))
await chain.close()

function walk(filter: TailFilter, limit: number, maxLines: number): readonly number[] {
  const found: number[] = []
  let cursor: string | undefined
  for (let page = 0; page < 200; page++) {
    const { records, next } = readPage(directory, { filter, limit, maxLines, ...(cursor !== undefined && { cursor }) })
    assert.ok(records.length <= limit)
    found.push(...records.map(({ seq }) => seq))
    if (next === undefined) return found
    assert.ok(isRecordCursor(next))
    cursor = next
  }
  assert.fail('the pages have no end')
}

describe('pages of a chain', () => {
  const all = walk({}, 500, 10_000)

  it('have every record once, the newest first, over all segments', () => {
    assert.ok(all.length >= 32)
    assert.deepEqual(
      all,
      Array.from({ length: all.length }, (_, at) => all.length - at),
    )
  })

  for (const [limit, maxLines] of [
    ...([1, 2, 3, 7, 31, 32, 33] as const).map((most) => [most, 10_000] as const),
    ...([1, 2, 5, 9] as const).map((lines) => [4, lines] as const),
  ]) {
    it(`of ${limit} records and at most ${maxLines} lines have the same`, () => {
      assert.deepEqual(walk({}, limit, maxLines), all)
    })
  }

  it('may be empty on the way, and still lead to what matches', () => {
    assert.deepEqual(walk({ incident: 'incident-1' }, 5, 3), walk({ incident: 'incident-1' }, 500, 10_000))
    assert.equal(walk({ incident: 'incident-1' }, 5, 3).length, 1)
  })

  it('of a folder that is not there have nothing', () => {
    assert.deepEqual(readPage(`${directory}/none`, { filter: {}, limit: 5, maxLines: 5 }), { records: [] })
  })

  for (const text of ['', 'x', '1-1', '000000000000001-', '000000000000001-1x', '../000000000000001-1']) {
    it(`have no cursor ${JSON.stringify(text)}`, () => assert.equal(isRecordCursor(text), false))
  }
})
