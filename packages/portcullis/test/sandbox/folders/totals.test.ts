import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { Totals, type Weight } from '../../../src/sandbox/folders/totals.ts'

const file = (ino: number, blocks: number, nlink = 1): Weight => ({ isFolder: false, dev: 1, ino, nlink, blocks })

it('a file with several names takes its bytes once and each name counts', () => {
  const totals = new Totals()
  for (let name = 0; name < 3; name++) totals.add(file(7, 8, 3))
  assert.deepEqual([totals.bytes, totals.files], [4096, 3])
  totals.subtract(file(7, 8, 3))
  assert.deepEqual([totals.bytes, totals.files], [4096, 2])
})

it('the links of a folder are its own and its children’s, not names', () => {
  const totals = new Totals()
  for (let ino = 0; ino < 3; ino++) totals.add({ isFolder: true, dev: 1, ino: 5, nlink: 9, blocks: 8 })
  assert.equal(totals.bytes, 3 * 4096)
})

it('a file that grew under another of its names counts with its last size', () => {
  const totals = new Totals()
  totals.add(file(7, 8, 2))
  totals.add(file(7, 80, 2))
  assert.equal(totals.bytes, 80 * 512)
})

it('what was added and taken away leaves nothing', () => {
  const weights = fc.array(fc.tuple(fc.nat(5), fc.constantFrom(1, 2)), { maxLength: 40 })
  fc.assert(
    fc.property(weights, (list) => {
      const totals = new Totals()
      const all = list.map(([ino, nlink]) => file(ino, ino * 8, nlink))
      for (const weight of all) totals.add(weight)
      for (const weight of all.toReversed()) totals.subtract(weight)
      assert.deepEqual([totals.bytes, totals.files], [0, 0])
    }),
  )
})
