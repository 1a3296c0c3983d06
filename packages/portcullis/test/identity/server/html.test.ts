import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { html, markup } from '../../../src/identity/server/html.ts'
import { formTargetOf, page } from '../../../src/identity/server/page.ts'

test('no text of a stranger becomes markup, in an element or in an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const made = markup(html`<p title="${text}">${text}</p>`)
      const inside = made.slice('<p title="'.length, -'</p>'.length)
      assert.equal((inside.match(/[<"']/g) ?? []).filter((character) => character !== '"').length, 0)
      assert.equal((made.match(/"/g) ?? []).length, 2)
      assert.doesNotMatch(made, /&(?!amp;|lt;|gt;|quot;|#39;)/)
    }),
  )
})

test('markup that the tag made is not escaped again, lists included', () => {
  assert.equal(
    markup(html`<ul>${['a', '<b>'].map((one) => html`<li>${one}</li>`)}</ul>`),
    '<ul><li>a</li><li>&lt;b&gt;</li></ul>',
  )
})

test('an object that only looks like markup is none', () => {
  for (const posing of [{ toString: () => '<script>' }, ['<script>'], { MADE: '<script>' }, undefined, null])
    assert.throws(() => html`<p>${posing as unknown as string}</p>`, TypeError)
})

test('text that turns the reading direction, or hides, is shown as what it is', () => {
  assert.equal(markup(html`${'a\u202eb\u200bc\u0007d'}`), 'a\ufffdb\ufffdc\ufffdd')
})

test('the policy of a page has no place for what a redirect URI says', () => {
  for (const [uri, target] of [
    ['https://app.example/cb', 'https://app.example'],
    ['https://app.example:8443/cb;script-src *', 'https://app.example:8443'],
    ['http://127.0.0.1:7777/', 'http://127.0.0.1:7777'],
    ['http://[::1]:7777/', 'http:'],
    ['com.example.app:/cb', 'com.example.app:'],
    ["https://a;script-src'/", undefined],
    ['nothing', undefined],
  ] as const)
    assert.equal(formTargetOf(uri), target, uri)
  fc.assert(
    fc.property(fc.webUrl(), (uri) => {
      const target = formTargetOf(uri)
      const { headers } = page(html``, { title: 'x', formTargets: target === undefined ? [] : [target] })
      assert.equal(headers?.['content-security-policy']?.split(';').length, 5)
    }),
  )
})
