import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scriptInjection } from '../../../src/inspection/markup/script-injection.ts'
import { scanTags } from '../../../src/inspection/markup/tag-scan.ts'

const ACTIVE: readonly (readonly [reason: string, value: string])[] = [
  ['element', '<script>x()</script>'],
  ['element', '<SCRIPT/SRC=//example.com/a>'],
  ['element', '<scr\0ipt>x()'],
  ['element', '<svg:script>x()</svg:script>'],
  ['element', '"><iframe src=x>'],
  ['element', '<object data=x>'],
  ['element', '<base href=//example.com/>'],
  ['element', '<meta http-equiv="refresh" content="0">'],
  ['element', '<link rel=stylesheet href=//example.com/a.css>'],
  ['handler', '<img src=x onerror=x()>'],
  ['handler', '<svg/onload=x()>'],
  ['handler', '<a b="c"onclick="x()">'],
  ['handler', '<details open ontoggle=x()'],
  ['handler', '<x onfuturethinghappens=x()>'],
  ['attribute', '<a href="javascript:x()">'],
  ['attribute', '<a href="jav\tascript:x()">'],
  ['attribute', '<a href=" \u0001javascript:x()">'],
  ['attribute', '<form action=javascript:x()>'],
  ['attribute', '<button formaction=javascript:x()>'],
  ['attribute', '<a href="data:text/html,<b>">'],
  ['attribute', '<div style="background:url(javascript:x())">'],
  ['attribute', '<use xlink:href="//example.com/x.svg#a">'],
  ['style', '<style>@import"javascript:x()"</style>'],
  ['handler', '" onmouseover="x()'],
  ['handler', "' autofocus onfocus='x()"],
  ['url', 'javascript:x()'],
  ['url', 'JaVaScRiPt:x(1)//'],
  ['url', 'data:text/html;base64,AAAA'],
  ['dialog', "');alert(1)//"],
  ['dialog', 'confirm`1`'],
  ['document', 'x=document.cookie'],
  ['dialog', 'window["alert"](1)'],
  ['evaluation', 'eval(atob("YQ=="))'],
  ['evaluation', 'setTimeout("x()",1)'],
  ['evaluation', '[].map.call`x`'],
  ['symbols', '[][(![]+[])[+[]]+([![]]+[][[]])]'],
  ['utf-7', '+ADw-script+AD4-x()'],
  ['closing', '</textarea><b>'],
]
for (const [reason, value] of ACTIVE) {
  test(`${JSON.stringify(value)} is active`, () => {
    const [seen] = scriptInjection(value)
    assert.equal(seen?.reason, `markup.${reason}`)
    assert.equal(seen?.weight, 'strong')
  })
}

const HONEST = [
  'h2<h1',
  '123<456 and 7>3',
  'a <b> c </b> <i>d</i> <p class="x">text</p>',
  '<a href="https://example.com/">link</a>',
  '<img src="a.png" alt="on = off">',
  'JavaScript: Basics of JavaScript Language',
  'Please turn on = the light',
  'season=2 & reason=3',
  'I <3 you',
  'style=color:red;background:white',
  'an alert (red) was sent; confirm the order',
  'Build a sandboxed Nix expression (on non-NixOS)',
  'document the window (top) of the parent',
  'x -> y --> z',
  'list[0][1] = (a + b)',
  'The data: text and numbers',
  'import the function with the constructor',
]
for (const value of HONEST) test(`${value} is inert`, () => assert.deepEqual(scriptInjection(value), []))

test('tags are read with their attributes, however they are written', () => {
  const [tag] = scanTags(`x <IMG/src=a.png alt='b "c"' data-x = "d>e" checked onload`)
  assert.equal(tag?.name, 'img')
  assert.deepEqual(tag?.attributes, [
    ['src', 'a.png'],
    ['alt', 'b "c"'],
    ['data-x', 'd>e'],
    ['checked', ''],
    ['onload', ''],
  ])
})

test('tags are bounded, whatever is nested', () => {
  for (const piece of ['<a ', '<a b="', '<', '<a b=c ', '<!--', "<a b='<"]) {
    assert.ok([...scanTags(piece.repeat(20_000))].length <= 256)
  }
})

test('nothing throws, and text without signs is silent', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    'a',
    'script',
    ' ',
    '"',
    "'",
    '`',
    '=',
    'on',
    'x',
    '/',
    '\0',
    'javascript:',
    '(',
    '&',
    'style',
    '[',
    ']',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (parts) => void scriptInjection(parts.join(''))),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => void scriptInjection(value)))
})
