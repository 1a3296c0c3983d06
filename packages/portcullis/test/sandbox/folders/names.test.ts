import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { bytesOf, pathOf, readable } from '../../../src/sandbox/folders/names.ts'

const SHOWN = [
  ['plain name.txt', 'plain name.txt'],
  ['grüße 漢字 🦉', 'grüße 漢字 🦉'],
  ['two\nlines', 'two\\x0alines'],
  ['back\\x0aslash', 'back\\x5cx0aslash'],
  ['\u001b[31mred', '\\x1b[31mred'],
  ['txt.\u202eexe', 'txt.\\xe2\\x80\\xaeexe'],
] as const

for (const [name, shown] of SHOWN) {
  it(`${JSON.stringify(name)} is shown as ${shown}`, () => {
    assert.equal(readable(bytesOf(name)), shown)
  })
}

it('bytes that are not UTF-8 are shown one by one', () => {
  assert.equal(readable('a\u00ffb\u00c3'), 'a\\xffb\\xc3')
})

it('no two names look alike, and none holds a control', () => {
  const name = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)) })
  fc.assert(
    fc.property(name, name, (left, right) => {
      assert.equal(readable(left) === readable(right), left === right)
      assert.doesNotMatch(readable(left), /\p{Cc}/u)
    }),
  )
})

it('a path keeps its bytes on the way to the kernel', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const path = pathOf(Buffer.from(bytes).toString('latin1'))
      assert.deepEqual(Buffer.from(path), Buffer.from(bytes))
    }),
  )
})
