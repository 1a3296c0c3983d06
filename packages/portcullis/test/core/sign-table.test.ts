import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SignTable } from '../../src/core/recognise/sign-table.ts'
import { asciiBytes, LOW_BYTES } from '../../src/core/text-bytes.ts'

const SIGNS = ['ab', 'key', 'akia', '--', 'token=', 'a:b'].map((text, of) => ({ text, of }))
const table = new SignTable(SIGNS)

type Found = readonly [of: number, at: number]

function scanned(text: string, from = 0, to = text.length): readonly Found[] {
  const found: Found[] = []
  table.scan(text, from, to, (of, at) => found.push([of, at]))
  return found
}

/** What letters of ASCII in any case are; `İ` and `ſ` are other letters, whatever they become in lower case. */
const lower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

function expected(text: string, from = 0, to = text.length): readonly Found[] {
  const found: Found[] = []
  for (let at = from; at < to; at++)
    for (const { text: sign, of } of SIGNS) if (lower(text.slice(at, at + sign.length)) === sign) found.push([of, at])
  return found
}

const sorted = (found: readonly Found[]) => found.toSorted((one, other) => one[1] - other[1] || one[0] - other[0])

// The last ones have the low bytes of letters: š is U+0161, which ends in the byte of `a`.
const character = fc.constantFrom('a', 'B', 'k', 'K', 'e', 'y', 'i', '-', 't', 'o', 'n', '=', ':', 'é', 'š', 'Ţ', '😀')
const text = fc.array(character, { maxLength: 60 }).map((characters) => characters.join(''))

test('every sign is found where it stands, and nothing that only looks like one', () => {
  fc.assert(
    fc.property(text, fc.nat(60), fc.nat(60), (value, from, to) => {
      const end = Math.min(to, value.length)
      assert.deepEqual(sorted(scanned(value, from, end)), sorted(expected(value, from, end)))
    }),
    { numRuns: 500 },
  )
})

test('a sign is found on either side of what is read at once, and across it', () => {
  for (const before of [LOW_BYTES - 5, LOW_BYTES - 3, LOW_BYTES - 2, LOW_BYTES - 1, LOW_BYTES, 2 * LOW_BYTES - 4]) {
    const value = `${'x'.repeat(before)}token=${'x'.repeat(40)}`
    assert.deepEqual(scanned(value), [[4, before]])
  }
})

test('whoever hears of a sign may look through another text', () => {
  const found: number[] = []
  table.scan('key and token=', 0, 14, (of) => {
    found.push(of)
    scanned('akia '.repeat(20))
    asciiBytes('-'.repeat(100))
  })
  assert.deepEqual(found, [1, 4])
})

test('bytes are those of ASCII, or there are none', () => {
  for (const ascii of ['', 'a', 'plain\n\u0000', 'x'.repeat(LOW_BYTES), 'y'.repeat(3 * LOW_BYTES)]) {
    const bytes = asciiBytes(ascii)
    assert.equal(Buffer.from(bytes?.subarray(0, ascii.length) ?? []).toString('latin1'), ascii)
  }
  for (const other of [
    'é',
    'éa',
    'š',
    '\ud800',
    '😀',
    `${'x'.repeat(LOW_BYTES - 4)}é`,
    `é${'x'.repeat(3 * LOW_BYTES)}`,
  ])
    assert.equal(asciiBytes(other), undefined)
})
