import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { byTime, pageOf } from '../../src/admin/page.ts'
import { Fault } from '../../src/core/fault.ts'

const self = (text: string): string => text

function walk(all: readonly string[], limit: number, between: (page: number) => readonly string[] = () => all) {
  const found: string[] = []
  let cursor: string | undefined
  for (let page = 0; ; page++) {
    const { items, next } = pageOf(between(page), self, { limit, ...(cursor !== undefined && { cursor }) })
    assert.ok(items.length <= limit)
    found.push(...items)
    if (next === undefined) return found
    cursor = next
  }
}

describe('a page', () => {
  it('and those after it give every entry once, in order', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 })
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 7 }), (all, limit) => {
        assert.deepEqual(
          walk(all, limit),
          all.toSorted((a, b) => (a < b ? -1 : 1)),
        )
      }),
    )
  })

  it('hides no entry because another has come or gone', () => {
    const found = walk(['a', 'c', 'e', 'g'], 2, (page) => (page === 0 ? ['a', 'c', 'e', 'g'] : ['b', 'e', 'f', 'g']))
    assert.deepEqual(found, ['a', 'c', 'e', 'f', 'g'])
  })

  it('takes no cursor that no page gave', () => {
    for (const cursor of ['YQ=', 'Y', 'YR'])
      assert.throws(
        () => pageOf(['a'], self, { cursor }),
        (thrown) => thrown instanceof Fault,
      )
  })

  it('sorts by time, then by id', () => {
    assert.ok(byTime(9, 'z') < byTime(10, 'a') && byTime(10, 'a') < byTime(10, 'b'))
  })
})
