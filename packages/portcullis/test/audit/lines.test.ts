import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { linesBackward, linesForward, segmentsOf } from '../../src/audit/lines.ts'
import { newFolder } from './fixtures.ts'

const folder = newFolder()
const path = `${folder}/lines`
const plain = (lines: Iterable<{ bytes: Buffer; offset: number; complete: boolean }>) =>
  [...lines].map(({ bytes, offset, complete }) => [bytes.toString(), offset, complete])

test('backwards gives the lines of forwards in the other order', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab\n]{0,40}$/), (text) => {
      writeFileSync(path, text)
      assert.deepEqual(plain(linesBackward(path)).toReversed(), plain(linesForward(path)))
    }),
  )
})

test('lines longer than what is read at once come whole', () => {
  const long = 'x'.repeat(700_000)
  writeFileSync(path, `${long}\nshort\n${long}`)
  const lines = [...linesForward(path)]
  assert.deepEqual(
    lines.map(({ bytes, complete }) => [bytes.length, complete]),
    [
      [700_000, true],
      [5, true],
      [700_000, false],
    ],
  )
  assert.deepEqual(plain(linesBackward(path)).toReversed(), plain(lines))
})

test('only segment files are segments, in the order of their numbers', () => {
  const names = ['000000000000010.jsonl', '000000000000002.jsonl', 'lock', '1.jsonl', 'x000000000000001.jsonl']
  const own = newFolder()
  for (const name of names) writeFileSync(`${own}/${name}`, '')
  assert.deepEqual(segmentsOf(own), ['000000000000002.jsonl', '000000000000010.jsonl'])
})
