import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ANY, both, exactly, otherThan, type Pattern } from '../../../src/sandbox/container/bits.ts'

const word = fc.integer({ min: 0, max: 0xffff_ffff })
const countIn = (set: readonly Pattern[], value: number) =>
  set.filter(({ mask, value: wanted }) => (value & mask) >>> 0 === wanted).length

it('a word is in exactly one of a value and all the others', () => {
  fc.assert(
    fc.property(word, word, word, (mask, value, probe) => {
      const isEqual = (probe & mask) >>> 0 === value >>> 0
      assert.equal(countIn(exactly(mask, value), probe), isEqual ? 1 : 0)
      assert.equal(countIn(otherThan(mask, value), probe), isEqual ? 0 : 1)
    }),
  )
})

it('the words in both sets are those in each, and are counted once', () => {
  fc.assert(
    fc.property(word, word, word, word, word, (mask, value, otherMask, otherValue, probe) => {
      const left = otherThan(mask, value & mask)
      const right = otherThan(otherMask, otherValue & otherMask)
      assert.equal(countIn(both(left, right), probe), countIn(left, probe) * countIn(right, probe))
      assert.equal(countIn(both(ANY, right), probe), countIn(right, probe))
    }),
  )
})
