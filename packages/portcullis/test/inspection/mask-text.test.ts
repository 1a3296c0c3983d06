import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { invisibleCharacters } from '../../src/inspection/characters/characters.ts'
import { maskText } from '../../src/inspection/mask-text.ts'

const CHARACTERS = new Set(['characters'] as const)

const CASES: readonly (readonly [from: string, to: string])[] = [
  ['ab\u{e0041}\u{e0042}c', 'abc'],
  ['a\u202eb\u202c', 'ab'],
  ['pass\u200bword', 'password'],
  ['pass\u200dword', 'password'],
  ['a\u001b[31mb\u001b[0m', 'ab'],
  ['a\u001b]0;title\u0007b', 'ab'],
  ['line\none\ttab\r\n', 'line\none\ttab\r\n'],
  ['a\u0000b', 'ab'],
  ['\ufeffstart', 'start'],
  ['\u{1f469}\u200d\u{1f467} \u0645\u06cc\u200c\u062e', '\u{1f469}\u200d\u{1f467} \u0645\u06cc\u200c\u062e'],
]

for (const [from, to] of CASES) {
  test(`${JSON.stringify(from)} becomes ${JSON.stringify(to)}`, () => assert.equal(maskText(from, CHARACTERS), to))
}

test('anything else goes as a whole', () => {
  assert.equal(maskText('17; id', new Set(['command'])), '[masked]')
  assert.equal(maskText('17; id\u202e', new Set(['characters', 'command'])), '[masked]')
})

test('afterwards nothing strong is left of what nobody sees', () => {
  const hidden = fc.constantFrom(
    '\u200b',
    '\u202e',
    '\u{e0041}',
    '\u001b[0m',
    '\ufe0f',
    '\u2066',
    'a',
    ' ',
    'ע',
    '字',
    '👍',
  )
  fc.assert(
    fc.property(fc.array(hidden, { maxLength: 30 }), (parts) => {
      const masked = maskText(parts.join(''), CHARACTERS)
      assert.deepEqual(
        invisibleCharacters(masked).filter(({ weight }) => weight === 'strong'),
        [],
      )
    }),
  )
})
