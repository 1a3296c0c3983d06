import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { invisibleCharacters } from '../../../src/inspection/characters/characters.ts'

const LEGITIMATE = [
  'plain text\twith tabs\r\nand lines',
  '👨‍👩‍👧‍👦 ❤️ 👍🏽 1️⃣',
  '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
  'می‌خواهم کتاب را',
  'क्‍ष और क्‌ष',
  'שלום \u200fabc\u200e!',
  'نص \u2067with english\u2069 هنا',
  'ภาษา\u200bไทย',
  'co\u00adop\u00ader\u00ada\u00adtion',
  '葛\u{e0100}飾区',
  '\ufeffat the beginning',
]
for (const value of LEGITIMATE) {
  test(`${JSON.stringify(value)} needs its characters`, () => {
    assert.deepEqual(
      invisibleCharacters(value).map(({ reason }) => reason),
      [],
    )
  })
}

const HIDING: readonly (readonly [reason: string, weight: string, value: string])[] = [
  ['tag-block', 'strong', 'hello\u{e0069}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}'],
  ['bidi-override', 'strong', 'user\u202etxt.exe'],
  ['bidi-control', 'strong', 'if (a) \u2066{ // x'],
  ['terminal-escape', 'strong', 'a\u001b[2Kb'],
  ['terminal-escape', 'strong', 'a\u001b]0;title\u0007'],
  ['terminal-escape', 'strong', 'a\u009b31m'],
  ['hidden-run', 'strong', 'a \u200b\u200c\u200d\u2060 b'],
  ['hidden-in-word', 'strong', 'pass\u200bword'],
  ['selector-run', 'strong', '😀\u{e0148}\u{e0155}'],
  ['selector-run', 'strong', 'a\ufe00\ufe01\ufe02'],
  ['zero-width', 'hint', 'a \u200b b'],
  ['joiner', 'hint', '( \u200d )'],
  ['direction-mark', 'hint', 'abc \u200e'],
  ['filler', 'hint', '\u3164'],
  ['control', 'hint', 'a\u0007'],
  ['deprecated', 'hint', 'a\ufff9'],
]
for (const [reason, weight, value] of HIDING) {
  test(`${JSON.stringify(value)} hides something: ${reason}`, () => {
    const seen = invisibleCharacters(value).find((each) => each.reason === `characters.${reason}`)
    assert.equal(seen?.weight, weight)
    assert.equal(seen?.family, 'characters')
    assert.doesNotMatch(seen?.evidence ?? '', /\p{C}/u)
  })
}

test('nothing throws, and printable ASCII is always silent', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => void invisibleCharacters(value)))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (value) => assert.deepEqual(invisibleCharacters(value), [])),
  )
})
