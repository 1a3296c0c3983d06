import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type DefaultTreeAdapterTypes, parseFragment, serialize } from 'parse5'
import type { Cleaned } from '../../../src/inspection/results/cleaned.ts'
import { HTML_ATTRIBUTES, HTML_ELEMENTS, SMALL_IMAGE } from '../../../src/inspection/results/html-allowed.ts'
import { filteredPage } from '../../../src/inspection/results/page-filter.ts'
import { HTML_VECTORS, MARKDOWN_VECTORS, SVG_VECTORS, XML_VECTORS } from './real/vectors.ts'
import { sanitizedPage } from './sanitized-page.ts'

function filtered(text: string): Cleaned | undefined {
  const look = filteredPage(text)
  for (;;) {
    const { done, value } = look.next()
    if (done === true) return value
  }
}

const left = (text: string): string => filtered(text)?.text ?? ''
const active = (text: string): readonly string[] => filtered(text)?.active ?? ['too deep']

type Node = DefaultTreeAdapterTypes.Node
type Element = DefaultTreeAdapterTypes.Element

const HTML_NAMESPACE = 'http://www.w3.org/1999/xhtml'
/** What a browser would use: relative to a page of a host that nobody but it has. */
const BASE = 'https://own.example/folder/page'

/** Fails for a page in which anything runs, loads or covers, as a parser by other people reads it, after the standard. */
function assertHarmless(page: string): void {
  const visit = (node: Node): void => {
    if ('tagName' in node) assertHarmlessElement(node, page)
    else assert.ok(node.nodeName === '#text' || node.nodeName === '#document-fragment', `${node.nodeName} in ${page}`)
    if ('childNodes' in node) node.childNodes.forEach(visit)
  }
  visit(parseFragment(page))
}

function assertHarmlessElement({ tagName, namespaceURI, attrs }: Element, page: string): void {
  // Parsers add these two to tables.
  assert.ok([...HTML_ELEMENTS, 'tbody', 'colgroup'].includes(tagName), `${tagName} in ${page}`)
  assert.equal(namespaceURI, HTML_NAMESPACE, page)
  const allowed = [...(HTML_ATTRIBUTES[tagName] ?? []), ...(HTML_ATTRIBUTES['*'] ?? [])]
  for (const { name, value } of attrs) {
    assert.ok(allowed.includes(name), `${name} in ${page}`)
    if (name === 'src') assert.match(value, SMALL_IMAGE)
    if (name === 'href') assertHarmlessLink(value)
  }
}

function assertHarmlessLink(href: string): void {
  const { protocol, host } = URL.canParse(href, BASE) ? new URL(href, BASE) : new URL(BASE)
  assert.ok(['https:', 'http:', 'mailto:', 'tel:'].includes(protocol), href)
  if (!/^https?:/i.test(href) && protocol === 'https:') assert.equal(host, 'own.example', href)
}

/** Elements and words in their order, as a browser shows them. */
function shown(page: string): string {
  const parts: string[] = []
  const visit = (node: Node): void => {
    if ('value' in node) parts.push(node.value)
    else if ('tagName' in node) parts.push(`<${node.tagName}>`)
    if ('childNodes' in node) node.childNodes.forEach(visit)
  }
  visit(parseFragment(page))
  return parts.join('').replace(/\s+/g, ' ')
}

const VECTORS = [...HTML_VECTORS, ...MARKDOWN_VECTORS, ...SVG_VECTORS, ...XML_VECTORS]

describe('what is left of a page', () => {
  const PAGES: readonly (readonly [why: string, page: string, left: string])[] = [
    ['a script is gone, its words too', '<p>a</p><script>alert("<p>")</script><p>b', '<p>a</p><p>b</p>'],
    ['a handler is gone, its element stays', '<p onclick="x()" lang=en>a</p>', '<p lang="en">a</p>'],
    ['a form is gone, its words stay', '<form action="/x"><b>Name</b> <input name=q></form>', '<b>Name</b> '],
    ['a link that runs is none', '<a href="javascript:x">a</a>', '<a>a</a>'],
    ['nor by references', '<a href="&#106;avascript&colon;x">a</a>', '<a>a</a>'],
    ['nor by blanks', '<a href=" java\nscript:x">a</a>', '<a>a</a>'],
    ['nor by another host', '<a href="//evil.example">a</a>', '<a>a</a>'],
    [
      'references of an address stay',
      '<a href="/o?a=1&amp;b=2">a</a><script></script>',
      '<a href="/o?a=1&amp;b=2">a</a>',
    ],
    [
      'an address of references stays',
      '<a href="&#104;ttps://a.example/?x=&quot;">a</a>',
      '<a href="https://a.example/?x=&quot;">a</a>',
    ],
    ['the first of two attributes counts', '<a href="javascript:x" href="/y">a</a>', '<a>a</a>'],
    ['what begins no tag is a word', '1 < 2 <3 <b>x</b> <', '1 &lt; 2 &lt;3 <b>x</b> &lt;'],
    ['what is open is closed', '<ul><li>a<li>b', '<ul><li>a</li><li>b</li></ul>'],
    ['what was not opened is not closed', '</div></p>a</b>', 'a'],
    ['ends in the wrong order are put right', '<b><i>x</b>y</i>', '<b><i>x</i></b>y'],
    [
      'cells end rows',
      '<table><tr><td>1<td>2<tr><td>3</table>',
      '<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>',
    ],
    ['options are no words', '<select><option>a<option selected>b</select>c', 'c'],
    ['a picture of shapes is gone', '<svg><svg><p>a</svg>b</svg>c', 'c'],
    ['one that ends at once hides nothing', '<svg/>c', 'c'],
    ['a template is gone', '<template><b>a</b></template>b', 'b'],
    ['a comment is gone', 'a<!-- <b> -->b<!-->c', 'abc'],
    ['a declaration is gone', '<!doctype html><?xml version="1.0"?><![CDATA[x]]>a', 'a'],
    ['a tag that nothing ends is gone', 'a<b title="x', 'a'],
    [
      'values that hold signs are written by references',
      `<p dir='a">&lt;<b'>x</p>`,
      '<p dir="a&quot;&gt;&lt;&lt;b">x</p>',
    ],
    [
      'an old name of pictures',
      '<image src="data:image/png;base64,AA==" alt>',
      '<img src="data:image/png;base64,AA==" alt>',
    ],
    ['NUL hides no name', '<scr\0ipt>x</script>y', 'y'],
  ]
  for (const [why, page, expected] of PAGES) {
    it(`${why}: ${JSON.stringify(page).slice(0, 50)}`, () => {
      assert.equal(left(page), expected)
      assertHarmless(left(page))
    })
  }

  it('is harmless for every published vector, also behind and inside of others', () => {
    for (const [at, vector] of VECTORS.entries()) {
      const other = VECTORS[(at + 7) % VECTORS.length] as string
      for (const page of [
        vector,
        `<p title="${vector}">x</p>`,
        vector + other,
        `<table><tr>${vector}<td>`,
        `<!--${vector}`,
      ])
        assertHarmless(left(page))
    }
  })

  it('is what the other sanitiser also calls active, for every published vector', () => {
    for (const vector of VECTORS) {
      const other = sanitizedPage(vector)
      if (other.active.length > 0) assert.notDeepEqual(active(vector), [], vector)
      if (other.hasExternalImages) assert.equal(filtered(vector)?.hasExternalImages, true, vector)
    }
  })

  it('is nothing when it is nested too deeply', () => {
    assert.equal(filtered('<div>'.repeat(300)), undefined)
    assert.notEqual(filtered('<p>'.repeat(3_000)), undefined)
  })

  it('is found in turns', () => {
    const look = filteredPage('<p onclick=x>one</p>\n'.repeat(20_000))
    let turns = 0
    while (look.next().done !== true) turns++
    assert.ok(turns >= 5, String(turns))
  })
})

describe('a page with nothing active in it', () => {
  for (const page of [
    '<p>a &amp; b</p>',
    '<a href=foo?a=1&b=2>x</a>',
    '<td width=10% nowrap>1</td>',
    '<p style="font-family:&quot;A&quot;">x</p>',
    '<!doctype html public "-//w3c//dtd html 4.01//en"><title>a</title>1 < 2',
  ])
    it(`is named so: ${page}`, () => assert.deepEqual(active(page), []))

  for (const page of [
    '<title><b></title>',
    '<!--> x -->',
    '<?x?>',
    '<p title="<b">',
    '<p a"b>',
    '</>',
    '<p a\0b>x</p>',
    '<b title="',
  ])
    it(`is not named so when readers could differ: ${JSON.stringify(page)}`, () =>
      assert.notDeepEqual(active(page), []))
})

// biome-ignore format: by what they are for
const PARTS = [
  '<', '>', '/', '"', "'", '=', ' ', '\n', '\t', '\u00a0', '&', '#', ';', '!', '-', '--', '`', '\0', 'x', 'a b',
  '<p>', '</p>', '<b ', '<a href="', '<a href=', '<img src="', '<td>', '<table>', '<tr>', '</table>', '<i/>', '<br>', '<li>', '<ul>',
  '<!--', '-->', '--!>', '<!', '<?', '</', '<![CDATA[', ']]>', '<!doctype html>',
  '<script>', '</script>', '<style>', '</style>', '<title>', '</title>', '<textarea>', '</textarea>', '<noscript>', '</noscript>',
  '<xmp>', '</xmp>', '<iframe srcdoc="', '<svg>', '</svg>', '<math>', '<mtext>', '<mglyph>', '<foreignObject>', '<desc>', '<template>',
  '</template>', '<select>', '<option>', '</select>', '<plaintext>', '<form>', '<object data=', '<frameset>', '<body onload=', '<base href=',
  'javascript:', 'https://', '//', '&#58;', '&colon;', '&Tab;', 'data:text/html,', 'onclick=', 'onerror=x ', 'style="', 'url(', 'position:fixed',
  'title="', "lang='", 'class=', 'src=x ', 'formaction=', 'srcset=',
]

describe('for any page', () => {
  const page = fc.array(fc.constantFrom(...PARTS), { maxLength: 16 }).map((parts) => parts.join(''))

  it('what is left is harmless to a parser after the standard, and stays so when it is read again', () => {
    fc.assert(
      fc.property(page, (text) => {
        const found = filtered(text)
        assert.ok(found !== undefined)
        assertHarmless(found.text)
        assertHarmless(serialize(parseFragment(found.text)))
        assertHarmless(`<div><p>${found.text}</p></div>`)
        assert.deepEqual(active(found.text), [], found.text)
      }),
      { numRuns: 2_000 },
    )
  })

  it('nothing goes on as it is in which the other sanitiser sees something', () => {
    fc.assert(
      fc.property(page, (text) => {
        const { active: other, hasExternalImages } = sanitizedPage(text)
        const found = filtered(text)
        if (found?.active.length !== 0 || found.hasExternalImages) return
        assert.deepEqual({ other, hasExternalImages }, { other: [], hasExternalImages: false }, text)
      }),
      { numRuns: 4_000 },
    )
  })
})

describe('for a page that is well written', () => {
  const word = fc.constantFrom('one', 'two', 'a &amp; b', 'x &lt; y', ' ', '\n')
  const { page } = fc.letrec<{ page: string; part: string }>((tie) => ({
    page: fc.array(tie('part'), { maxLength: 5 }).map((parts) => parts.join('')),
    part: fc.oneof(
      { depthSize: 'small' },
      word,
      fc.constantFrom(
        '<script>a < b; "</b>"</script>',
        '<br>',
        '<hr>',
        '<style>p > b {}</style>',
        '<input name="q">',
        '<!-- a -->',
      ),
      fc
        .tuple(
          fc.constantFrom('div', 'span', 'b', 'em', 'blockquote', 'section', 'form', 'button', 'custom-tag'),
          tie('page'),
        )
        .map(([name, inner]) => `<${name} class="c" onclick="x()">${inner}</${name}>`),
      fc
        .array(tie('page'), { maxLength: 3 })
        .map((items) => `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`),
      fc
        .array(word, { maxLength: 3 })
        .map((cells) => `<table><tbody><tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr></tbody></table>`),
    ),
  }))

  it('shows what the other sanitiser shows', () => {
    fc.assert(
      fc.property(page, (text) => {
        assert.equal(shown(left(text)), shown(sanitizedPage(text).text), text)
      }),
      { numRuns: 500 },
    )
  })
})
