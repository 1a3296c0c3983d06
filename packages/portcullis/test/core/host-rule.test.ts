import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkHostName, checkHostRule, matchesHostRule } from '../../src/core/host-rule.ts'

for (const rule of [
  'example.com',
  'api.example.com',
  '*.example.com',
  'localhost',
  'a-b.c',
  '_dmarc.example.com',
  'xn--bcher-kva.example',
]) {
  test(`${rule} may be a rule`, () => assert.equal(checkHostRule(rule), undefined))
}

const BAD: readonly (readonly [rule: string, why: RegExp])[] = [
  ['*', /every host/],
  ['*.com', /top-level domain/],
  ['*.*.com', /first label/],
  ['a.*.com', /first label/],
  ['*example.com', /first label/],
  ['', /empty/],
  ['*.', /empty/],
  ['Example.com', /lower case/],
  ['example.com.', /no host name/],
  ['.example.com', /no host name/],
  ['a..b', /no host name/],
  ['-a.com', /no host name/],
  ['a-.com', /no host name/],
  ['a b.com', /no host name/],
  ['evil\0.example.com', /no host name/],
  ['user@example.com', /no host name/],
  ['example.com:443', /no host name/],
  ['example.com/x', /no host name/],
  ['bücher.example', /no host name/],
  ['127.0.0.1', /address/],
  ['2130706433', /address/],
  ['0x7f.0x1', /address/],
  ['[::1]', /no host name/],
  [`${'a.'.repeat(127)}com`, /longer/],
  [`${'a'.repeat(64)}.com`, /no host name/],
]
for (const [rule, why] of BAD) {
  test(`${JSON.stringify(rule.slice(0, 30))} is refused as a rule`, () => assert.match(checkHostRule(rule) ?? '', why))
}

test('a wildcard stands for what is below it, never for the name itself or a name that only ends alike', () => {
  assert.ok(matchesHostRule('*.example.com', 'a.example.com'))
  assert.ok(matchesHostRule('*.example.com', 'a.b.example.com'))
  for (const host of ['example.com', 'aexample.com', 'a.example.com.evil', '.example.com'])
    assert.ok(!matchesHostRule('*.example.com', host), host)
})

test('a name that passes is its own URL host, so that nobody reads another host out of it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('ab01.-_x*%@:/\\ \0é[')), minLength: 1, maxLength: 20 }),
      (name) => {
        if (checkHostName(name) !== undefined) return
        assert.equal(new URL(`http://${name}/`).hostname, name)
      },
    ),
  )
})
