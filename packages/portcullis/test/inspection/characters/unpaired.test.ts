import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { roleInspectors } from '../../../src/inspection/all-detectors.ts'
import { unpaired } from '../../../src/inspection/characters/unpaired.ts'

const isFound = (value: string) => unpaired(value).some(({ reason }) => reason === 'characters.unpaired')

const HONEST = [
  ['ids', ['ord_17', 'a/b#12', 'arn:aws:iam::1:role/x', 'x@example.org', 'W/"686897696a7c876b7e"', '"etag"', '']],
  ['lists of ids', ['["a","b"]', "['a', 'b']", '[1,2,3]', '{"id":"a"}', '(a, b)', '"first" "second"']],
  ['names', ["McDonald's", "O'Brien", "users' groups", 'Report (final)', '+1 (555) 010-9999', 'Anna "Ann" Berg']],
  [
    'places and types',
    ['(UTC+01:00) Amsterdam', 'text/html; charset="utf-8"', '`project.set.table`', 'a[0].id', '$var1.id$'],
  ],
  ['lengths', ['24"', `5'11"`, '8" x 10"', "6'"]],
] as const
for (const [title, values] of HONEST)
  test(`quotes and brackets of ${title} are in order`, () => {
    for (const value of values) assert.equal(isFound(value), false, value)
  })

const BROKEN = [
  ['closes what is not open', ['1) or (1', 'a"]', 'x}']],
  ['opens what it does not close', ['replace(', "x', (", '{{', 'a[']],
  ['has a quote alone', ["a'", "' or", 'a" b', '`id', "17'--", "5'6 or"]],
  ['clings to what is quoted', [`a'b'c"d"`, `' or 'a'='a`, '"a"="a"', `x'1'x`]],
  ['is broken inside of quotes', ['"replace("', '{"name":"a) or (b"}', `["x'"]`]],
  ['has more brackets than any name', ['('.repeat(17) + ')'.repeat(17)]],
] as const
for (const [title, values] of BROKEN)
  test(`a value that ${title} is found`, () => {
    for (const value of values) assert.equal(isFound(value), true, value)
  })

test('what is found is found in every disguise, in identifiers and numbers alone', () => {
  const inspectors = roleInspectors()
  for (const value of ['concat_ws(', 'concat_ws%28', 'concat_ws&#40;', 'concat_ws\\u0028', 'concat_ws\uff08']) {
    for (const role of ['identifier', 'number'] as const) {
      const [found] = inspectors.of({ role }).inspect(value)
      assert.deepEqual([found?.reason, found?.weight], ['characters.unpaired', 'strong'], `${role} ${value}`)
    }
    assert.deepEqual(inspectors.of({ role: 'text' }).inspect(value), [])
  }
})

test('what is built of pairs is in order, and with one sign more it is not', () => {
  const { honest } = fc.letrec<{ honest: string; inner: string }>((tie) => ({
    inner: fc.oneof({ maxDepth: 5 }, fc.constantFrom('a', '', '17', 'x_y', "O'Brien"), tie('honest')),
    honest: fc
      .tuple(fc.constantFrom('()', '[]', '{}'), tie('inner'))
      .map(([pair, inner]) => `${pair[0]}${inner}${pair[1]}`),
  }))
  fc.assert(fc.property(honest, (value) => !isFound(value)))
  const sign = fc.constantFrom('(', ')', '[', ']', '{', '}', '"', '`')
  fc.assert(
    fc.property(honest, sign, fc.boolean(), (value, more, after) => isFound(after ? value + more : more + value)),
  )
})

test('no value takes longer than a few passes', () => {
  for (const part of [`"'`, `'"`, '"(', `" '`, `a'b"`, '[{(', '""']) {
    const value = part.repeat(200_000)
    unpaired(value)
  }
})
