import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { plainPage } from '../../../src/inspection/results/plain-page.ts'
import { HTML_VECTORS, MARKDOWN_VECTORS, SVG_VECTORS, XML_VECTORS } from './real/vectors.ts'
import { sanitizedPage } from './sanitized-page.ts'

function isPlain(text: string): boolean {
  const look = plainPage(text)
  for (;;) {
    const { done, value } = look.next()
    if (done === true) return value
  }
}

const PLAIN: readonly string[] = [
  '<!doctype html><html lang="en"><head><title>a & b</title></head><body class="x"><p>one<br>two</p></body></html>',
  '<p id=a>1 > 0 &amp; <a href="https://shop.example/?a=1&b=2" title="it\'s">x</a></p><!-- a - b -->',
  '<table><tr><td colspan="2" style="color: red">1</td></tr></table><img src="/a/b.png" alt="b"/>',
  '<a href="#top">up</a> <a href="../x">x</a> <a href="mailto:a@b.example">a</a> <a href="/">home</a>',
]

const NOT_PLAIN: readonly string[] = [
  '<p onclick="x()">a</p>',
  '<p\u00a0onclick=x>a</p>',
  '<p/onclick=x()>a</p>',
  '<a href="javascript:x">a</a>',
  '<a href="&#106;avascript:x">a</a>',
  '<a href="javascript&colon;x">a</a>',
  '<a href="java\nscript:x">a</a>',
  '<a href="//evil.example">a</a>',
  '<a href="/\t/evil.example">a</a>',
  '<a href="/\\evil.example">a</a>',
  '<p href="x">a</p>',
  '<img src="https://evil.example/a.png">',
  '<img src="&#47;/evil.example/a.png">',
  '<img src="data:image/svg+xml;base64,AA==">',
  '<p style="background:url(x)">a</p>',
  '<p style="position:&#102;ixed">a</p>',
  '<title><b></title><script>x</script>',
  '<!--><script>x</script>-->',
  '<!-- a --!><script>x</script>',
  '<a title="<script>">a</a>',
  '<p title="a>b">a</p>',
  '1 < 2',
  '<p',
  '<svg></svg>',
  '<form><button formaction="x">a</button></form>',
  '<p a\0b>x</p>',
  '<b>'.repeat(300),
]

describe('a page without anything that acts', () => {
  for (const text of PLAIN) it(`is told at once: ${text.slice(0, 60)}`, () => assert.equal(isPlain(text), true))
  for (const text of NOT_PLAIN)
    it(`is not this: ${JSON.stringify(text).slice(0, 60)}`, () => assert.equal(isPlain(text), false))

  it('is none of the published vectors that the sanitiser changes', () => {
    for (const text of [...HTML_VECTORS, ...MARKDOWN_VECTORS, ...SVG_VECTORS, ...XML_VECTORS]) {
      const { active, hasExternalImages } = sanitizedPage(text)
      if (active.length > 0 || hasExternalImages) assert.equal(isPlain(text), false, text)
    }
  })

  it('has nothing for the sanitiser to find, and loses nothing that is shown', () => {
    const part = fc.constantFrom(
      ...['<', '>', '/', '"', "'", '=', ' ', '\n', '\t', '\u00a0', '&', '#', ';', ':', '!', '-', '--', '\\', '`'],
      ...[
        '<p>',
        '</p>',
        '<a href="',
        '<a href=',
        '<img src="',
        '<b ',
        '<!--',
        '-->',
        '<title>',
        '</title>',
        '<i/>',
        '<br>',
      ],
      ...[
        'javascript',
        'https://',
        '//',
        'x',
        'onclick',
        'style="',
        'position',
        'fixed',
        'url(',
        '&#58;',
        '&colon;',
        'data:',
      ],
      ...[
        'script',
        '<script>',
        '<svg>',
        '<style>',
        '<td ',
        'class="a"',
        'title="a"',
        '<![CDATA[',
        '<!doctype html>',
        '?',
      ],
    )
    let accepted = 0
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const text = parts.join('')
        if (!isPlain(text)) return
        accepted++
        const { text: clean, active, hasExternalImages } = sanitizedPage(text)
        assert.deepEqual({ active, hasExternalImages }, { active: [], hasExternalImages: false }, text)
        assert.equal(isPlain(clean), true, clean)
      }),
      { numRuns: 3_000 },
    )
    assert.ok(accepted > 100, String(accepted))
  })

  it('is read in slices, to its end', () => {
    const look = plainPage(`${'<p>one</p>\n'.repeat(20_000)}<script>`)
    let turns = 0
    for (;;) {
      const { done, value } = look.next()
      if (done === true) {
        assert.equal(value, false)
        break
      }
      turns++
    }
    assert.ok(turns >= 2)
  })
})
