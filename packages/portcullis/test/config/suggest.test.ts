import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDistance, suggest } from '../../src/config/suggest.ts'

test('a slip of the finger finds the word that was meant', () => {
  assert.equal(suggest('prot', ['port', 'host']), 'port')
  assert.equal(suggest('call_seconds', ['callSeconds', 'idleSeconds']), 'callSeconds')
  assert.equal(suggest('zzz', ['port', 'host']), undefined)
})

test('the distance is a metric', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      assert.equal(editDistance(a, a), 0)
      assert.equal(editDistance(a, b), editDistance(b, a))
      assert(editDistance(a, c) <= editDistance(a, b) + editDistance(b, c))
    }),
  )
})
