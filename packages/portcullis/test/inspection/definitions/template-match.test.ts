/** Which URIs a held template takes with it, and which an approved one surely stands for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesTemplate } from '../../../src/inspection/definitions/template-match.ts'

const MAY: readonly (readonly [template: string, uri: string, may: boolean, surely: boolean])[] = [
  ['test://pages/{id}', 'test://pages/1', true, true],
  ['test://pages/{id}', 'test://pages/', true, true],
  ['test://pages/{id}', 'test://page/1', false, false],
  ['test://pages/{id}', 'test://pages/1/2', true, false],
  ['test://pages/{id}', 'test://pages/a%2Fb', true, false],
  ['test://pages/{id}', 'test://pages/..', true, false],
  ['test://pages/{id}', 'TEST://Pages/1', true, false],
  ['test://pages/{id}', 'test://p%61ges/1', true, false],
  ['test://pages/{id}', 'test://other/../pages/1', true, false],
  ['test://pages/{id}', 'test://./pages/1', true, false],
  ['test://caf\u00e9/{id}', 'test://caf%C3%A9/1', true, false],
  ['test://{+path}', 'test://a/b?c#d', true, true],
  ['test://a{/more*}', 'test://a/b/c', true, true],
  ['test://a{/more*}', 'test://ab', true, false],
  ['test://a{?q,r}', 'test://a?q=1&r=2', true, true],
  ['test://a{?q}', 'test://a', true, true],
  ['test://a{#part}', 'test://a#x', true, true],
  ['test://a{#part}', 'test://a?x', true, false],
  ['test://{a}/{b}.txt', 'test://x/y.txt', true, true],
  ['test://{a}/{b}.txt', 'test://x/y.txt.exe', false, false],
  ['test://plain', 'test://plain', true, true],
  ['test://plain', 'test://plain/1', false, false],
  ['test://broken/{id', 'test://broken/anything', true, false],
  ['{+anything}', 'file:///etc/passwd', true, true],
  ['', 'test://x', false, false],
]

for (const [template, uri, may, surely] of MAY) {
  test(`${template || 'nothing'} ${may ? 'may' : 'cannot'}${surely ? ', and surely does,' : ''} stand for ${uri}`, () => {
    assert.deepEqual([matchesTemplate(template, uri, 'may'), matchesTemplate(template, uri, 'surely')], [may, surely])
  })
}

test('whatever is put for simple expressions may be meant, and what is sure may be', () => {
  const literal = fc.stringMatching(/^[a-z:/%.-]{0,8}$/)
  const value = fc.stringMatching(/^[A-Za-z0-9_~-]{0,8}$/)
  fc.assert(
    fc.property(literal, fc.array(fc.tuple(value, literal), { maxLength: 5 }), (first, rest) => {
      const template = first + rest.map(([, after], at) => `{v${at}}${after}`).join('')
      const uri = first + rest.map(([put, after]) => put + after).join('')
      assert.ok(matchesTemplate(template, uri, 'may'))
    }),
  )
  fc.assert(
    fc.property(fc.string(), fc.string(), (template, uri) => {
      assert.ok(!matchesTemplate(template, uri, 'surely') || matchesTemplate(template, uri, 'may'))
    }),
  )
})

test('takes a hostile template no longer than an honest one', () => {
  const template = '{a}a'.repeat(5_000)
  assert.equal(matchesTemplate(template, `${'a'.repeat(20_000)}b`, 'may'), false)
})
