import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { LineCutter } from '../../src/sandbox/lines.ts'

function cut(chunks: readonly Buffer[], maxLineBytes = 1000) {
  const lines: string[] = []
  const cutter = new LineCutter(maxLineBytes, (line) => lines.push(line.toString('latin1')))
  const fits = chunks.every((chunk) => cutter.push(chunk))
  return { lines, fits }
}

it('gives the same lines however the bytes are cut', () => {
  const text = fc
    .array(fc.constantFrom('a', 'ü', '\n', '\r\n', '{"x":1}', ' '), { maxLength: 60 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (whole, sizes) => {
      const bytes = Buffer.from(whole)
      const chunks: Buffer[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length]!
        chunks.push(bytes.subarray(at, at + size))
        at += size
      }
      const complete = bytes.toString('latin1').split('\n').slice(0, -1)
      const expected = complete.map((line) => line.replace(/\r$/, '')).filter((line) => line !== '')
      assert.deepEqual(cut(chunks), { lines: expected, fits: true })
    }),
  )
})

it('a whole line in one chunk is not copied', () => {
  const chunk = Buffer.from('one\ntwo\n')
  const lines: Buffer[] = []
  new LineCutter(10, (line) => lines.push(line)).push(chunk)
  assert.deepEqual(
    lines.map((line) => line.buffer === chunk.buffer),
    [true, true],
  )
})

const LONG = [
  { title: 'in one chunk', chunks: ['12345678901\n'] },
  { title: 'without its end', chunks: ['12345678901'] },
  { title: 'in parts', chunks: ['12345', '678901', '\n'] },
  { title: 'after a good line', chunks: ['ok\n12345', '678901\n'] },
]

for (const { title, chunks } of LONG) {
  it(`a line that is too long is reported: ${title}`, () => {
    const { lines, fits } = cut(
      chunks.map((chunk) => Buffer.from(chunk)),
      10,
    )
    assert.equal(fits, false)
    assert.ok(!lines.some((line) => line.startsWith('1')))
  })
}

it('a line of exactly the limit passes', () => {
  assert.deepEqual(cut([Buffer.from('12345'), Buffer.from('67890\n')], 10), { lines: ['1234567890'], fits: true })
})
