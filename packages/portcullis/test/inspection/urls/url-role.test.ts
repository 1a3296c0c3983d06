import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hostRole, type UrlRules, urlRole } from '../../../src/inspection/urls/url-role.ts'

const reason = (value: string, rules: UrlRules = {}) => urlRole(rules)(value)[0]?.reason

const ANY: UrlRules = { schemes: ['http', 'https', 'ftp', 'gopher', 'ws'], ports: [8080] }
const GOOD: readonly (readonly [value: string, rules: UrlRules])[] = [
  ['https://example.com', {}],
  ['https://example.com/', {}],
  ['HTTPS://EXAMPLE.COM/A?b=c#d', {}],
  ['https://example.com:443/', {}],
  ['https://api.example.com/a/../b?u=http://127.0.0.1/', {}],
  ['https://8.8.8.8/', {}],
  ['https://[2606:4700::1111]/', {}],
  ['https://xn--mnchen-3ya.de/', {}],
  ['https://a-b.c_d.example.com/', {}],
  ['http://example.com:8080/x', ANY],
  ['gopher://example.com/x', ANY],
  ['https://user:secret@example.com/', { credentials: 'allowed' }],
  ['https://api.example.com/', { hosts: ['*.example.com'] }],
  ['https://a.b.example.com/', { hosts: ['*.example.com'] }],
  ['https://intranet/', { hosts: ['intranet'] }],
  ['https://10.1.2.3/', { hosts: ['10.1.2.3'] }],
  ['https://10.1.2.3/', { insideHosts: 'allowed' }],
  ['https://localhost/', { insideHosts: 'allowed' }],
]
for (const [value, rules] of GOOD) {
  test(`${value} may be handed on under ${JSON.stringify(rules)}`, () => assert.equal(reason(value, rules), undefined))
}

const BAD: readonly (readonly [reason: string, value: string, rules?: UrlRules])[] = [
  ['malformed', ''],
  ['malformed', 'example.com'],
  ['malformed', '//example.com/'],
  ['malformed', 'https:example.com'],
  ['malformed', 'https:/example.com'],
  ['malformed', 'https:///example.com'],
  ['malformed', 'javascript:alert(1)'],
  ['malformed', 'data:text/html,x'],
  ['malformed', 'file:///etc/passwd'],
  ['too-long', `https://example.com/${'a'.repeat(3000)}`],
  ['scheme', 'http://example.com/'],
  ['scheme', 'file://example.com/x'],
  ['scheme', 'gopher://example.com/'],
  ['ambiguous', 'https://example.com\\@evil.example/'],
  ['ambiguous', ' https://example.com/'],
  ['ambiguous', 'https://exa\tmple.com/'],
  ['ambiguous', 'https://example.com/\r\nHost: x'],
  ['ambiguous-authority', 'https://a@b@example.com/'],
  ['ambiguous-authority', 'https://example.com:80:80/'],
  ['ambiguous-authority', 'https://example.com:/'],
  ['ambiguous-authority', 'https://[::1/'],
  ['credentials', 'https://example.com@evil.example/'],
  ['credentials', 'https://@example.com/'],
  ['encoded-host', 'https://example.com%2eevil.example/'],
  ['malformed-host', 'https://exämple.com/'],
  ['malformed-host', 'https://example。com/'],
  ['malformed-host', 'https://example.com./'],
  ['malformed-host', 'https://.example.com/'],
  ['malformed-host', 'https://a..b/'],
  ['malformed-host', 'https://ⓔxample.com/'],
  ['disguised-address', 'https://１２７.0.0.1/'],
  ['port', 'https://example.com:22/'],
  ['port', 'http://example.com:443/', ANY],
  ['port', 'https://example.com:99999/'],
  ['inside', 'https://127.0.0.1/'],
  ['inside', 'https://10.0.0.1/'],
  ['inside', 'https://192.168.1.1/'],
  ['inside', 'https://[::1]/'],
  ['inside', 'https://[fc00::1]/'],
  ['inside', 'https://localhost/'],
  ['inside', 'https://LOCALHOST/'],
  ['inside', 'https://a.localhost/'],
  ['inside', 'https://localhost4.localdomain4/'],
  ['inside', 'https://intranet/'],
  ['inside', 'https://db.internal/'],
  ['inside', 'https://kubernetes.default.svc/'],
  ['inside', 'https://metadata.google.internal/'],
  ['inside', 'https://10.0.0.1.nip.io/'],
  ['inside', 'https://localtest.me/'],
  ['inside', 'https://203.0.113.1/'],
  ['guarded-address', 'https://169.254.169.254/'],
  ['guarded-address', 'https://169.254.169.254/', { insideHosts: 'allowed' }],
  ['guarded-address', 'https://0.0.0.0/'],
  ['guarded-address', 'https://[::]/'],
  ['guarded-address', 'https://[::ffff:127.0.0.1]/'],
  ['guarded-address', 'https://[::ffff:a9fe:a9fe]/'],
  ['guarded-address', 'https://[0:0:0:0:0:ffff:7f00:1]/'],
  ['guarded-address', 'https://[64:ff9b::7f00:1]/'],
  ['guarded-address', 'https://[2002:7f00:1::]/'],
  ['guarded-address', 'https://[2001:0:7f00:1::]/'],
  ['guarded-address', 'https://[fe80::1]/'],
  ['guarded-address', 'https://100.100.100.200/'],
  ['disguised-address', 'https://2130706433/'],
  ['disguised-address', 'https://0x7f000001/'],
  ['disguised-address', 'https://0x7f.1/'],
  ['disguised-address', 'https://0177.0.0.1/'],
  ['disguised-address', 'https://127.1/'],
  ['disguised-address', 'https://127.0.0.0x1/'],
  ['disguised-address', 'https://1.1.1.1.1/'],
  ['disguised-address', 'https://999.1.1.1/'],
  ['host', 'https://example.com/', { hosts: ['*.example.com'] }],
  ['host', 'https://evilexample.com/', { hosts: ['*.example.com', 'example.com'] }],
  ['host', 'https://example.com.evil.example/', { hosts: ['example.com'] }],
  ['host', 'https://8.8.8.8/', { hosts: ['example.com'] }],
  ['address', 'https://8.8.8.8/', { addresses: 'refused' }],
]
for (const [expected, value, rules] of BAD) {
  test(`${JSON.stringify(value.slice(0, 50))} is refused: ${expected}`, () => {
    const [seen] = urlRole(rules ?? {})(value)
    assert.equal(seen?.reason, `url.${expected}`)
    assert.equal(seen?.weight, 'breach')
    assert.match(seen?.says ?? '', /^must /)
  })
}

test('a zone in an address, and brackets around anything else, name no host', () => {
  for (const value of [
    'https://[fe80::1%25eth0]/',
    'https://[localhost]/',
    'https://[127.0.0.1]/',
    'https://[v1.x]/',
    'https://[]/',
  ]) {
    assert.notEqual(reason(value, { insideHosts: 'allowed' }), undefined, value)
  }
})

test('no IPv4 address of this house gets through in any number notation or carrier', () => {
  const inside = fc
    .tuple(fc.constantFrom('10', '127', '169.254'), fc.nat(255), fc.nat(255), fc.nat(255))
    .map(([head, b, c, d]) => (head === '169.254' ? `${head}.${c}.${d}` : `${head}.${b}.${c}.${d}`))
  const number = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const spell = fc.constantFrom<(address: string) => string>(
    (address) => address,
    (address) => String(number(address)),
    (address) => `0x${number(address).toString(16)}`,
    (address) => `0${number(address).toString(8)}`,
    (address) =>
      address
        .split('.')
        .map((part) => `0x${Number(part).toString(16)}`)
        .join('.'),
    (address) =>
      address
        .split('.')
        .map((part) => `0${Number(part).toString(8)}`)
        .join('.'),
    (address) => `[::ffff:${address}]`,
    (address) => `[::${address}]`,
    (address) => `[64:ff9b::${address}]`,
    (address) => `${address}.`,
    (address) => `${address}.nip.io`,
    (address) => address.replaceAll('.', '。'),
    (address) => address.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    (address) => address.replaceAll('.', '%2e'),
  )
  fc.assert(
    fc.property(inside, spell, (address, form) => {
      assert.equal(urlRole({ schemes: ['http'] })(`http://${form(address)}/`).length, 1)
      assert.equal(hostRole({})(form(address).replace(/^\[|\]$/g, '')).length, 1)
    }),
    { numRuns: 2000 },
  )
})

test('whatever passes is read by the standard parser as exactly this host', () => {
  const piece = fc.constantFrom(
    'https',
    '://',
    'example.com',
    '@',
    ':',
    '/',
    '?',
    '#',
    '[',
    ']',
    '::1',
    '127.0.0.1',
    '\\',
    '.',
    '%2f',
    '。',
    '8080',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const value = `https://${pieces.join('')}`
      if (urlRole({ hosts: ['example.com'] })(value).length > 0) return
      assert.equal(new URL(value).hostname, 'example.com')
    }),
    { numRuns: 3000 },
  )
})

test('a host is a name or an address and nothing around it', () => {
  const good = ['example.com', 'EXAMPLE.com', 'a-1.example.com', '8.8.8.8', '2606:4700::1111', '[2606:4700::1111]']
  for (const value of good) assert.deepEqual(hostRole({})(value), [], value)
  assert.deepEqual(hostRole({ port: 'allowed' })('example.com:8080'), [])
  assert.deepEqual(hostRole({ hosts: ['db.internal'] })('db.internal'), [])
  const bad = [
    '',
    'example.com:8080',
    'user@example.com',
    'example.com/x',
    'https://example.com',
    'example.com?x',
    'a b',
    'a\\b',
    '-oProxyCommand=x',
    'localhost',
    '::1',
    '127.1',
    '0x7f.1',
    '169.254.169.254',
    'example.com;id',
    '$(id).example.com',
  ]
  for (const value of bad) assert.equal(hostRole({})(value).length, 1, value)
})
